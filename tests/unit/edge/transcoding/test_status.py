import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from edge.transcoding.status import Failure, failure_of_error, failure_of_status
from tests.unit.edge.server import status

DETAILS = "grpc-status-details-bin"


def error(
    code: grpc.StatusCode, *trailing: tuple[str, bytes], details: str = "for people"
) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details)


def of_error(code: grpc.StatusCode, *trailing: tuple[str, bytes]) -> Failure:
    return failure_of_error(error(code, *trailing))


def test_reason_and_details_come_from_the_status() -> None:
    wanted = status("VALIDATION_FAILED", field="to[0]")
    for detail in (
        error_details_pb2.BadRequest(field_violations=[{"field": "to[0]", "description": "is no address"}]),
        error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000)),
    ):
        packed = AnyMessage()
        packed.Pack(detail)
        wanted.details.append(packed)
    failure = of_error(grpc.StatusCode.INVALID_ARGUMENT, (DETAILS, wanted.SerializeToString()))
    assert failure.reason == "VALIDATION_FAILED"
    assert failure.metadata == {"field": "to[0]"}
    assert failure.violations == [("to[0]", "is no address")]
    assert failure.retry_after_s == 2.5


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (grpc.StatusCode.CANCELLED, "UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"),
        (grpc.StatusCode.UNAUTHENTICATED, "INVALID_CREDENTIALS"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL"),
        (grpc.StatusCode.UNIMPLEMENTED, "INTERNAL"),
    ],
)
@pytest.mark.parametrize("trailing", [[], [(DETAILS, b"\xff")], [(DETAILS, b"")]])
def test_status_without_a_reason_maps_by_its_code(
    code: grpc.StatusCode, reason: str, trailing: list[tuple[str, bytes]]
) -> None:
    if trailing == [(DETAILS, b"")]:
        trailing = [(DETAILS, status_pb2.Status(code=code.value[0]).SerializeToString())]
    assert of_error(code, *trailing).reason == reason


@pytest.mark.parametrize(
    ("code", "details", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Stream removed (Socket closed)", "OUTCOME_UNKNOWN"),
        (
            grpc.StatusCode.UNAVAILABLE,
            "Stream removed (recvmsg:Connection reset by peer (104))",
            "OUTCOME_UNKNOWN",
        ),
        (grpc.StatusCode.CANCELLED, "CANCELLED", "OUTCOME_UNKNOWN"),
        (
            grpc.StatusCode.UNAVAILABLE,
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Socket closed",
            "UNAVAILABLE",
        ),
    ],
)
def test_call_that_is_lost_after_it_was_sent_may_have_taken_effect(
    code: grpc.StatusCode, details: str, reason: str
) -> None:
    """C-94: its client must not believe that nothing was done."""
    assert failure_of_error(error(code, details=details)).reason == reason


def test_reason_of_another_domain_is_ignored() -> None:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason="VALIDATION_FAILED", domain="googleapis.com"))
    assert failure_of_status(status_pb2.Status(code=14, details=[detail])).reason == "UNAVAILABLE"

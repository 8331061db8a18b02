"""Properties of every call: a request id, typed errors, an access check, a graceful end."""

import asyncio
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import email_service_pb2_grpc, event_service_pb2, event_service_pb2_grpc

from tests.harness.stack import Stack

SEND = "/zidimail.v1.EmailService/SendEmail"


def _error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "zidimail"
    return info


def _metadata(stack: Stack, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stack.api_key}"), *more)


async def test_malformed_protobuf_is_invalid_argument(stack: Stack) -> None:
    async with stack.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SEND)(b"\xff\xff\xff", metadata=_metadata(stack))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert _error_info(refused.value).reason == "VALIDATION_FAILED"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "zm_live_x"])
async def test_call_without_a_bearer_token_is_unauthenticated(
    stack: Stack, authorization: str | None
) -> None:
    metadata = () if authorization is None else (("authorization", authorization),)
    async with stack.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SEND)(b"", metadata=metadata)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert _error_info(refused.value).reason == "MISSING_CREDENTIALS"


async def test_request_id_of_the_caller_is_echoed_in_answers_and_errors(stack: Stack) -> None:
    async with stack.channel() as channel:
        metadata = _metadata(stack, ("x-request-id", "my-id"))
        listing = email_service_pb2_grpc.EmailServiceStub(channel).ListEmails(
            pb.ListEmailsRequest(), metadata=metadata
        )
        await listing
        assert dict(await listing.trailing_metadata())["x-request-id"] == "my-id"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SEND)(b"", metadata=metadata)
        assert dict(refused.value.trailing_metadata() or ())["x-request-id"] == "my-id"


async def test_every_violation_is_named_with_its_field(stack: Stack) -> None:
    request = pb.SendEmailRequest(to=["nobody", "a@example.com"], subject="x" * 999)
    async with stack.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await email_service_pb2_grpc.EmailServiceStub(channel).SendEmail(
                request, metadata=_metadata(stack)
            )
    trailers = dict(refused.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    assert [violation.field for violation in bad_request.field_violations] == [
        "from",
        "to[0]",
        "subject",
        "html",
    ]


async def test_strict_batch_names_its_invalid_items(stack: Stack) -> None:
    good = pb.SendEmailRequest(
        **{"from": f"a@{stack.domain}"}, to=["ok@example.net"], subject="Hello", text="Hi."
    )
    bad = pb.SendEmailRequest(**{"from": f"a@{stack.domain}"}, to=["ok@example.net"], text="Hi.")
    async with stack.channel() as channel:
        stub = email_service_pb2_grpc.EmailServiceStub(channel)
        before = (await stub.ListEmails(pb.ListEmailsRequest(), metadata=_metadata(stack))).total
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.BatchSendEmails(
                pb.BatchSendEmailsRequest(emails=[good, bad, good, bad]), metadata=_metadata(stack)
            )
        assert "emails[1].subject" in (refused.value.details() or "")
        assert "emails[3].subject" in (refused.value.details() or "")
        assert _error_info(refused.value).metadata["index"] == "1"
        assert (await stub.ListEmails(pb.ListEmailsRequest(), metadata=_metadata(stack))).total == before


async def test_stopping_server_reports_not_serving_and_ends_its_streams(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        async with stack.channel() as channel:
            health = health_pb2_grpc.HealthStub(channel)
            states = health.Watch(health_pb2.HealthCheckRequest(service="zidimail.v1.EmailService"))
            assert (await states.read()).status == health_pb2.HealthCheckResponse.SERVING
            events = event_service_pb2_grpc.EventServiceStub(channel)
            stream = events.WatchEvents(event_service_pb2.WatchEventsRequest(), metadata=_metadata(stack))
            await stream.initial_metadata()
            stopping = asyncio.create_task(asyncio.to_thread(stack.stop_server))
            assert (await states.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await stream.read()
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
            states.cancel()
            assert await stopping == 0

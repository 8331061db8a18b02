"""The status of a fault fits into gRPC's trailing metadata, however long its texts (contract row C-6)."""

import urllib.parse

import pytest
from google.rpc import error_details_pb2

from server.domains.faults import DomainAlreadyExists
from server.faults import DomainNotFound, Fault, ValidationFailed, Violation
from server.wire.status import status_of

# gRPC's default limit of trailers, in bytes, less the other trailers.
SAFE_BYTES = 8192 - 512


@pytest.mark.parametrize(
    "fault",
    [
        DomainNotFound("0" * 1_000_000),
        DomainNotFound("🔑" * 100_000),
        ValidationFailed(
            [Violation(f"emails[{n}].to[{n}]", "is not an address: " + "é" * 500) for n in range(5000)]
        ),
        ValidationFailed([Violation("x" * 100_000, "y" * 100_000)]),
    ],
)
def test_a_status_fits_into_the_trailers_whatever_it_quotes(fault: Fault) -> None:
    status = status_of(fault)
    on_the_wire = len(urllib.parse.quote(status.message)) + len(status.SerializeToString())
    assert on_the_wire < SAFE_BYTES
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == fault.reason
    if fault.violations:
        details = error_details_pb2.BadRequest()
        assert status.details[1].Unpack(details)
        assert details.field_violations


def test_short_status_is_sent_unchanged() -> None:
    fault = DomainAlreadyExists("bücher.example")
    status = status_of(fault)
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    assert status.message == fault.message
    assert info.metadata == {"domain": "bücher.example"}

"""Faults as `google.rpc.Status`: the reason and its metadata, then the typed details (contract row C-6)."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from server.faults import Fault

DOMAIN = "zidimail"
DETAILS_KEY = "grpc-status-details-bin"
# A status is sent as trailing metadata, and many clients accept at most 8 KiB. Faults quote the request, so
# each part is cut (bytes of UTF-8; gRPC's encoding may triple those of the message).
_MAX_MESSAGE_BYTES = 600
_MAX_METADATA_BYTES = 300
_MAX_FIELD_BYTES = 100
_MAX_DESCRIPTION_BYTES = 300
_MAX_VIOLATIONS_BYTES = 2_500


def status_of(fault: Fault) -> status_pb2.Status:
    """The status of a fault, with ErrorInfo and, if they apply, BadRequest and RetryInfo.

    BadRequest holds the first violations, up to 2,500 bytes.
    """
    status = status_pb2.Status(code=code_of(fault).value[0], message=_cut(fault.message, _MAX_MESSAGE_BYTES))
    metadata = {name: _cut(value, _MAX_METADATA_BYTES) for name, value in fault.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN, metadata=metadata)
    status.details.add().Pack(info)
    if fault.violations:
        bad_request = error_details_pb2.BadRequest()
        for violation in fault.violations:
            if bad_request.ByteSize() > _MAX_VIOLATIONS_BYTES:
                break
            bad_request.field_violations.add(
                field=_cut(violation.field, _MAX_FIELD_BYTES),
                description=_cut(violation.description, _MAX_DESCRIPTION_BYTES),
            )
        status.details.add().Pack(bad_request)
    if fault.retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(round(fault.retry_after_s * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def code_of(fault: Fault) -> grpc.StatusCode:
    """The gRPC code of a fault."""
    return grpc.StatusCode[fault.code]


def _cut(text: str, most: int) -> str:
    if len(text) * 4 <= most or len(encoded := text.encode(errors="replace")) <= most:
        return text
    return encoded[: most - 3].decode(errors="ignore") + "…"

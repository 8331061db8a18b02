"""Faults as `google.rpc.Status`: the reason and its metadata, then the typed details (contract row C-6)."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from server.faults import Fault

DOMAIN = "zidimail"
DETAILS_KEY = "grpc-status-details-bin"


def status_of(fault: Fault) -> status_pb2.Status:
    """The status of a fault, with ErrorInfo and, where they apply, BadRequest and RetryInfo."""
    status = status_pb2.Status(code=code_of(fault).value[0], message=fault.message)
    info = error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN, metadata=fault.metadata)
    status.details.add().Pack(info)
    if fault.violations:
        bad_request = error_details_pb2.BadRequest()
        for violation in fault.violations:
            bad_request.field_violations.add(field=violation.field, description=violation.description)
        status.details.add().Pack(bad_request)
    if fault.retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(round(fault.retry_after_s * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def code_of(fault: Fault) -> grpc.StatusCode:
    """The gRPC code of a fault."""
    return grpc.StatusCode[fault.code]

"""Failures of requests, found by the server (its status) or by the edge itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"

_REASON_OF_CODE = {
    grpc.StatusCode.UNAVAILABLE: "UNAVAILABLE",
    grpc.StatusCode.CANCELLED: "UNAVAILABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "MESSAGE_TOO_LARGE",
    grpc.StatusCode.UNAUTHENTICATED: "INVALID_CREDENTIALS",
}
"""Reasons of statuses without one, which the gRPC library or the network made, not the server."""

REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
HEAD_TOO_LARGE = "HEAD_TOO_LARGE"
MALFORMED_REQUEST = "MALFORMED_REQUEST"
BODY_ENCODING = "BODY_ENCODING"
HTTP_REASONS = frozenset({REQUEST_TIMEOUT, HEAD_TOO_LARGE, MALFORMED_REQUEST, BODY_ENCODING})
"""Why there is no request to speak of: reasons that no call can have, so the contract does not name them."""


class Violation(NamedTuple):
    """One wrong field and what is wrong with it."""

    field: str
    message: str


class Failure(Exception):
    """A request that is answered with an error.

    `reason` is a value of ErrorReason without its prefix, or one of HTTP_REASONS, `metadata` has the
    keys that error_reason.proto names for it, `retry_after_s` is in seconds. `message` is for people
    and is never looked into.
    """

    def __init__(
        self,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        *,
        message: str = "",
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.message = message
        self.violations = violations
        self.retry_after_s = retry_after_s

    def with_names(self, written: Mapping[str, str]) -> Failure:
        """The same failure; wrong fields have the names that they were written under, where `written` has
        one (C-54)."""
        if not written or not self.violations:
            return self
        return invalid([Violation(written.get(it.field, it.field), it.message) for it in self.violations])


def invalid(violations: Sequence[Violation]) -> Failure:
    """The failure of a request whose fields are wrong."""
    return Failure("VALIDATION_FAILED", {"field": violations[0].field}, violations=violations)


def failure_of_error(error: grpc.aio.AioRpcError) -> Failure:
    """The failure that a failed call stands for."""
    pairs: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()  # type: ignore[assignment]
    for key, value in pairs:
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return failure_of_status(status_pb2.Status.FromString(value))
            except DecodeError:
                break
    return _by_code(error.code(), error.details() or "")


def failure_of_status(status: status_pb2.Status) -> Failure:
    """The failure that a google.rpc.Status stands for, by its details or else by its code."""
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after_s: float | None = None
    for detail in status.details:
        if detail.Unpack(retry):
            delay = retry.retry_delay
            retry_after_s = delay.seconds + delay.nanos / 1e9
        elif not detail.Unpack(info):
            detail.Unpack(request)
    if info.domain != "zidimail":
        return _by_code(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)
    return Failure(
        info.reason,
        dict(info.metadata),
        message=status.message,
        violations=[Violation(wrong.field, wrong.description) for wrong in request.field_violations],
        retry_after_s=retry_after_s,
    )


_CODES = {code.value[0]: code for code in grpc.StatusCode}
# The gRPC library tells by its texts alone whether a call that got lost had been sent. One that had may have
# taken effect (contract row C-94).
_NOT_SENT = "failed to connect"
_LOST = ("Stream removed", "Socket closed", "Connection reset", "Broken pipe", "GOAWAY", "CANCELLED")


def _by_code(code: grpc.StatusCode, message: str) -> Failure:
    reason = _REASON_OF_CODE.get(code, "INTERNAL")
    if reason == "UNAVAILABLE" and not message.startswith(_NOT_SENT) and any(it in message for it in _LOST):
        reason = "OUTCOME_UNKNOWN"
    return Failure(reason, message=message)

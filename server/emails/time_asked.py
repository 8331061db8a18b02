"""The time at which delivery shall begin, as a request has it: as a timestamp or in words."""

from zidimail.v1 import email_service_pb2 as pb

from server.emails import phrases
from server.faults import Violation
from server.wire.timestamps import milliseconds


def asked_time(request: pb.SendEmailRequest | pb.UpdateEmailRequest, now_ms: int) -> int | Violation | None:
    """The time in milliseconds since 1970 UTC, None if none is asked for, or the violation of one that is
    none (C-25, C-72)."""
    has_time = request.HasField("scheduled_at")
    if phrase := request.scheduled_at_text:
        if has_time:
            return Violation("scheduled_at_text", "is given beside scheduled_at: only one of them is allowed")
        moment = phrases.moment_of(phrase, now_ms)
        return _not_understood(phrase) if moment is None else moment
    if not has_time:
        return None
    time = milliseconds(request.scheduled_at)
    return Violation("scheduled_at", "is no time") if time is None else time


def _not_understood(phrase: str) -> Violation:
    shown = phrase if len(phrase) <= phrases.MAX_LENGTH else f"{phrase[: phrases.MAX_LENGTH]}…"
    return Violation(
        "scheduled_at",
        f"is not understood: {shown!r}. Write an ISO 8601 time such as 2026-05-13T12:00:00Z, or one like "
        f"{phrases.EXAMPLES}",
    )

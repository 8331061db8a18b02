"""The time at which delivery shall begin, as a request has it: as a timestamp or in words."""

import re
from datetime import UTC, datetime

from zidimail.v1 import email_service_pb2 as pb

from server.emails import phrases
from server.faults import Violation
from server.wire.timestamps import milliseconds

# ISO 8601 as RFC 3339 has it; the zone may be absent.
_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def asked_time(
    request: pb.SendEmailRequest | pb.SendRawEmailRequest | pb.UpdateEmailRequest, now_ms: int
) -> int | Violation | None:
    """The time in milliseconds since 1970 UTC, None if none is asked for, or the violation of one that is
    none (C-25, C-72)."""
    has_time = request.HasField("scheduled_at")
    if phrase := request.scheduled_at_text:
        if has_time:
            return Violation("scheduled_at_text", "is given beside scheduled_at: only one of them is allowed")
        moment = moment_of(phrase, now_ms)
        return not_understood(phrase) if moment is None else moment
    if not has_time:
        return None
    time = milliseconds(request.scheduled_at)
    return Violation("scheduled_at", "is no time") if time is None else time


def moment_of(text: str, now_ms: int) -> int | None:
    """The moment that a text means now, an ISO 8601 time or a phrase (C-25, C-72), in milliseconds since 1970
    UTC; None if it is not understood."""
    if not _ISO.match(text):
        return phrases.moment_of(text, now_ms)
    try:
        moment = datetime.fromisoformat(text.upper())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return phrases.moment_of(text, now_ms)


def not_understood(phrase: str) -> Violation:
    """The violation of a text that is no time."""
    shown = phrase if len(phrase) <= phrases.MAX_LENGTH else f"{phrase[: phrases.MAX_LENGTH]}…"
    return Violation(
        "scheduled_at",
        f"is not understood: {shown!r}. Write an ISO 8601 time such as 2026-05-13T12:00:00Z, or one like "
        f"{phrases.EXAMPLES}",
    )

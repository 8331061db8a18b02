"""Values that the bodies of all formats hold."""

from datetime import UTC, datetime

from server.events.rows import EventRow

# A receiving mail server chooses the text of its reply, and some endpoints refuse bodies over about 20 kB.
_MAX_DIAGNOSTIC_CHARS = 2048


def diagnostic_of(event: EventRow) -> str:
    """The beginning of the text of a reply, empty for none."""
    return (event.reply_text or "")[:_MAX_DIAGNOSTIC_CHARS]


def iso(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 with milliseconds and `Z`."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"

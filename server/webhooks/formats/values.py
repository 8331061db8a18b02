"""Values that the bodies of all formats hold."""

from datetime import UTC, datetime

import orjson

from server.events.rows import ACCOUNT, EventRow

# A receiving mail server chooses the text of its reply, and some endpoints refuse bodies over about 20 kB.
_MAX_DIAGNOSTIC_CHARS = 2048


def diagnostic_of(event: EventRow) -> str:
    """The beginning of the text of a reply, empty for none."""
    return (event.reply_text or "")[:_MAX_DIAGNOSTIC_CHARS]


def account_state(event: EventRow) -> str:
    """The new state of the account, by the type of its event."""
    return event.type.removeprefix(ACCOUNT)


def contact_details(event: EventRow) -> dict[str, object]:
    """A contact as it is after its event, with the ids of its lists. Raises `ValueError`.

    Resend's receivers know lists as segments.
    """
    contact: dict[str, object] = orjson.loads(event.details or "")
    created_at = contact["created_at"]
    assert isinstance(created_at, int)
    times = {"created_at": iso(created_at), "updated_at": iso(event.created_at)}
    return {**contact, "segment_ids": contact["contact_list_ids"], **times}


def account_details(event: EventRow) -> dict[str, object]:
    """The reasons, the operator's note and the rates of an event of the account. Raises `ValueError`."""
    details: dict[str, object] = orjson.loads(event.details or "")
    return details


def iso(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 with milliseconds and `Z`."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"

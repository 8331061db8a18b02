"""The body of calls, rendered once for each event and sent unchanged (contract rows Z-42, F-3)."""

import json
from datetime import UTC, datetime

import orjson

from server.events.rows import EventRow
from server.webhooks.subscriptions import EmailRow

# A receiving mail server chooses the text of its reply, and some endpoints refuse bodies over about 20 kB.
_MAX_DIAGNOSTIC_CHARS = 2048
TEST_TYPE = "webhook.test"


def render(event: EventRow, email: EmailRow) -> bytes:
    """The body of the calls about an event: JSON in UTF-8."""
    return orjson.dumps(
        {"type": event.type, "created_at": _iso(event.created_at), "data": _data(event, email)}
    )


def render_test(webhook_id: str, now_ms: int) -> bytes:
    """The body of a test call."""
    return orjson.dumps(
        {"type": TEST_TYPE, "created_at": _iso(now_ms), "data": {"webhook_id": webhook_id, "test": True}}
    )


def _data(event: EventRow, email: EmailRow) -> dict[str, object]:
    data: dict[str, object] = {
        "email_id": event.email_id,
        "message_id": email.message_id,
        "created_at": _iso(email.created_at),
        "from": email.sender,
        "to": json.loads(email.to),
        "subject": email.subject,
    }
    if tags := json.loads(email.tags):
        data["tags"] = dict(tags)
    if event.recipient:
        data["recipient"] = event.recipient
    if event.attempt:
        data["attempt"] = event.attempt
        data["possible_duplicate"] = event.possible_duplicate
    diagnostic = (event.reply_text or "")[:_MAX_DIAGNOSTIC_CHARS]
    # Without a reply, the status and the text give the reason.
    if event.reply_code is not None or event.reply_status is not None:
        data["reply"] = {
            "code": event.reply_code or 0,
            "enhanced_status": event.reply_status or "",
            "diagnostic": diagnostic,
            "remote_host": event.remote_host or "",
        }
    # Resend's names, for receivers that were written for it.
    if event.type == "email.bounced":
        data["bounce"] = {"type": "Permanent", "subType": "General", "message": diagnostic}
    elif event.type == "email.failed":
        data["failed"] = {"reason": diagnostic}
    elif event.type == "email.suppressed":
        data["suppressed"] = {"type": "OnAccountSuppressionList", "message": diagnostic}
    return data


def _iso(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 with milliseconds and `Z`."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"

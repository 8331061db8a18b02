"""Zeabur Email's format (V-1 to V-3): other names of events, and one signature of time and body."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

import orjson

from server.events.rows import EventRow
from server.webhooks.formats.example import example_email, example_event
from server.webhooks.formats.format import EmailRow
from server.webhooks.formats.values import (
    account_details,
    account_state,
    contact_details,
    diagnostic_of,
    iso,
)

_NAMES: Mapping[str, str] = {
    "email.sent": "send",
    "email.delivered": "delivery",
    "email.bounced": "bounce",
    "email.failed": "bounce",
    "email.complained": "complaint",
    # A refusal after the send was accepted (C-23).
    "email.suppressed": "reject",
    "email.opened": "open",
    "email.clicked": "click",
}


def body(event: EventRow, email: EmailRow) -> bytes:
    """The body of the calls about an event."""
    return orjson.dumps(_body(event, email))


def account_body(event: EventRow) -> bytes:
    """The body of the calls about an event of the account, which the format's own documents do not have."""
    return orjson.dumps(
        {
            "event": _name(event.type),
            "timestamp": iso(event.created_at),
            "account": {"status": account_state(event)},
            "data": account_details(event),
        }
    )


def contact_body(event: EventRow) -> bytes:
    """The body of the calls about an event of a contact, which the format's own documents do not have."""
    return orjson.dumps(
        {
            "event": _name(event.type),
            "timestamp": iso(event.created_at),
            "contact": contact_details(event),
            "data": {},
        }
    )


def test_body(webhook_id: str, now_ms: int) -> bytes:
    """The body of a test call: of the shape of a delivery's, made by the same code (C-59)."""
    event, email = example_event(webhook_id, now_ms), example_email(webhook_id, now_ms)
    return orjson.dumps(_body(event, email) | {"data": _delivery(event, email), "webhook_id": webhook_id})


def headers(
    secrets: Sequence[str], event_id: str, event_type: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """The headers of one call. The signature is keyed with the whole newest secret, and signs the time, a dot
    and the body. The id is the event's, the same at every attempt."""
    signed = hmac.new(secrets[0].encode(), b"%d.%s" % (timestamp_s, body), hashlib.sha256).hexdigest()
    return {
        "X-ZSend-Event": _name(event_type),
        "X-ZSend-Timestamp": str(timestamp_s),
        "X-ZSend-Signature": f"sha256={signed}",
        "X-ZSend-Id": event_id,
    }


def _name(event_type: str) -> str:
    """The event's name; one that this format does not know keeps ours, all of it if it is about no email."""
    subject, _, happened = event_type.partition(".")
    return _NAMES.get(event_type, event_type if subject in ("account", "contact") else happened)


def _body(event: EventRow, email: EmailRow) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": event.email_id,
        "message_id": email.message_id.strip("<>"),
        "from": email.sender,
        "to": json.loads(email.to),
        "subject": email.subject,
        "sent_at": iso(email.created_at),
    }
    if email.test:
        shown["test"] = True
    return {
        "event": _name(event.type),
        "timestamp": iso(event.created_at),
        "email": shown,
        "data": _data(event, email),
    }


def _data(event: EventRow, email: EmailRow) -> dict[str, object]:
    match _name(event.type):
        case "delivery":
            return _delivery(event, email)
        case "bounce" as name:
            refused = {
                "email_address": event.recipient,
                "status": event.reply_status or "",
                "diagnostic_code": _smtp_response(event),
            }
            return {
                f"{name}_type": "Permanent" if event.type == "email.bounced" else "Transient",
                f"{name}_subtype": "General",
                "bounced_recipients": [refused],
            }
        case "complaint":
            return {"complaint_feedback_type": "abuse", "complained_recipients": [event.recipient]}
        case "reject":
            return {"reason": diagnostic_of(event), "rejected_recipients": [event.recipient]}
    return {"recipients": [event.recipient]} if event.recipient else {}


def _delivery(event: EventRow, email: EmailRow) -> dict[str, object]:
    return {
        "processing_time_millis": max(0, event.created_at - email.created_at),
        "recipients": [event.recipient],
        "smtp_response": _smtp_response(event),
    }


def _smtp_response(event: EventRow) -> str:
    """The receiving system's reply in one line: code, enhanced status and text."""
    parts = (str(event.reply_code or ""), event.reply_status or "", diagnostic_of(event))
    return " ".join(part for part in parts if part)

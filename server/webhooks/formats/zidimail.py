"""ZidiMail's own format, which Resend's clients read too (contract rows Z-41, Z-42, C-8, F-3)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

import orjson

from server.events.rows import EventRow
from server.webhooks.formats.example import example_email, example_event
from server.webhooks.formats.format import TEST_TYPE, EmailRow
from server.webhooks.formats.values import (
    account_details,
    account_state,
    contact_details,
    diagnostic_of,
    iso,
)
from server.webhooks.signing import key_bytes


def body(event: EventRow, email: EmailRow) -> bytes:
    """The body of the calls about an event."""
    return orjson.dumps(
        {"type": event.type, "created_at": iso(event.created_at), "data": _data(event, email)}
    )


def account_body(event: EventRow) -> bytes:
    """The body of the calls about an event of the account."""
    return orjson.dumps(
        {
            "type": event.type,
            "created_at": iso(event.created_at),
            "data": {"state": account_state(event), **account_details(event)},
        }
    )


def contact_body(event: EventRow) -> bytes:
    """The body of the calls about an event of a contact."""
    return orjson.dumps(
        {"type": event.type, "created_at": iso(event.created_at), "data": contact_details(event)}
    )


def test_body(webhook_id: str, now_ms: int) -> bytes:
    """The body of a test call: of the shape of a delivery's, made by the same code (C-59)."""
    event, email = example_event(webhook_id, now_ms), example_email(webhook_id, now_ms)
    data = _data(event, email) | {"webhook_id": webhook_id}
    return orjson.dumps({"type": TEST_TYPE, "created_at": iso(now_ms), "data": data})


def headers(
    secrets: Sequence[str], event_id: str, event_type: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """The headers of one call: `body` is exactly what is sent, `timestamp_s` the time of this attempt.

    `secrets` are the valid ones, the newest first. A header of Standard Webhooks holds a signature by each;
    receivers of `ZidiMail-Signature` compare the whole header, so it is made with the newest secret alone.

    `ZidiMail-Signature` is keyed with the whole secret string and signs the body alone. The signature of
    Standard Webhooks, repeated under svix's names, is keyed with the secret's decoded bytes and signs id,
    time and body, so that receivers can refuse replays. The id is the event's, the same at every attempt.
    """
    whole = hmac.new(secrets[0].encode(), body, hashlib.sha256).hexdigest()
    content = b"%s.%d.%s" % (event_id.encode(), timestamp_s, body)
    standard = " ".join(_standard(secret, content) for secret in secrets)
    signed = {"ZidiMail-Signature": f"sha256={whole}", "ZidiMail-Event": event_type}
    for family in ("webhook", "svix"):
        signed[f"{family}-id"] = event_id
        signed[f"{family}-timestamp"] = str(timestamp_s)
        signed[f"{family}-signature"] = standard
    return signed


def _data(event: EventRow, email: EmailRow) -> dict[str, object]:
    data: dict[str, object] = {
        "email_id": event.email_id,
        "message_id": email.message_id,
        "created_at": iso(email.created_at),
        "from": email.sender,
        "to": json.loads(email.to),
        "cc": json.loads(email.cc),
        "bcc": json.loads(email.bcc),
        "reply_to": json.loads(email.reply_to),
        "subject": email.subject,
        "headers": [{"name": name, "value": value} for name, value in json.loads(email.headers).items()],
    }
    if email.test:
        data["test"] = True
    if tags := json.loads(email.tags):
        data["tags"] = dict(tags)
    if event.recipient:
        data["recipient"] = event.recipient
    if event.attempt:
        data["attempt"] = event.attempt
        data["possible_duplicate"] = event.possible_duplicate
    diagnostic = diagnostic_of(event)
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


def _standard(secret: str, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key_bytes(secret), content, "sha256")).decode()

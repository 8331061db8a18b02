"""Calls in Zeabur Email's format (contract rows V-1 to V-3, C-59)."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from server.events.rows import EventRow
from server.webhooks.formats import zsend
from server.webhooks.formats.format import EmailRow
from tests.unit.server.webhooks.formats.test_zidimail_body import EMAIL, EVENT, PAUSED

DELIVERED = EVENT._replace(
    type="email.delivered", recipient="bob@example.net", reply_code=250, reply_status="2.0.0", reply_text="OK"
)
BOUNCED = EVENT._replace(
    type="email.bounced",
    recipient="bob@example.net",
    reply_code=550,
    reply_status="5.1.1",
    reply_text="unknown",
)


def read(event: EventRow, email: EmailRow = EMAIL) -> Any:
    return json.loads(zsend.body(event, email))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("sent", "send"),
        ("delivered", "delivery"),
        ("bounced", "bounce"),
        ("failed", "bounce"),
        ("complained", "complaint"),
        ("suppressed", "reject"),
        ("opened", "open"),
        ("clicked", "click"),
        ("scheduled", "scheduled"),
    ],
)
def test_events_have_the_names_of_the_format(ours: str, theirs: str) -> None:
    """V-1."""
    assert read(EVENT._replace(type=f"email.{ours}"))["event"] == theirs


def test_a_delivery_has_the_documented_body() -> None:
    """V-3."""
    assert read(DELIVERED) == {
        "event": "delivery",
        "timestamp": "2027-01-15T08:00:00.007Z",
        "email": {
            "id": "0190c3a1f2b4c5d6e7f80912",
            "message_id": "0190c3a1f2b4c5d6e7f80912@mail.example.com",
            "from": "Ada <ada@mail.example.com>",
            "to": ["bob@example.net", "Zoë <zoe@example.org>"],
            "subject": "Grüße",
            "sent_at": "2027-01-15T07:59:59.000Z",
        },
        "data": {
            "processing_time_millis": 1007,
            "recipients": ["bob@example.net"],
            "smtp_response": "250 2.0.0 OK",
        },
    }


def test_a_bounce_and_a_complaint_name_their_recipient() -> None:
    """V-3."""
    assert read(BOUNCED)["data"] == {
        "bounce_type": "Permanent",
        "bounce_subtype": "General",
        "bounced_recipients": [
            {"email_address": "bob@example.net", "status": "5.1.1", "diagnostic_code": "550 5.1.1 unknown"}
        ],
    }
    assert read(BOUNCED._replace(type="email.failed"))["data"]["bounce_type"] == "Transient"
    assert read(BOUNCED._replace(type="email.complained"))["data"] == {
        "complaint_feedback_type": "abuse",
        "complained_recipients": ["bob@example.net"],
    }


def test_change_of_an_account_keeps_the_whole_name_of_its_event() -> None:
    """C-69: the format's documents have none, and `paused` alone would not say what is."""
    assert json.loads(zsend.account_body(PAUSED)) == {
        "event": "account.paused",
        "timestamp": "2027-01-15T08:00:00.007Z",
        "account": {"status": "paused"},
        "data": {"reasons": ["policy"], "note": "Spam.", "rates": {"sent": 7}},
    }
    headers = zsend.headers(["whsec_x"], "id", "account.paused", 1, b"")
    assert headers["X-ZSend-Event"] == "account.paused"


def test_event_of_a_contact_keeps_its_whole_name_too() -> None:
    """C-59: `created` alone would not say what was."""
    contact = {
        "id": "c1",
        "email": "ada@example.net",
        "contact_list_ids": ["l1"],
        "created_at": 1_800_000_000_000,
    }
    event = PAUSED._replace(type="contact.created", details=json.dumps(contact))
    assert json.loads(zsend.contact_body(event)) == {
        "event": "contact.created",
        "timestamp": "2027-01-15T08:00:00.007Z",
        "contact": {
            **contact,
            "segment_ids": ["l1"],
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:00.007Z",
        },
        "data": {},
    }


def test_the_signature_is_of_time_and_body_by_the_newest_secret() -> None:
    """V-2."""
    headers = zsend.headers(["new", "old"], "e1", "email.delivered", 1_800_000_000, b"{}")
    signed = hmac.new(b"new", b"1800000000.{}", hashlib.sha256).hexdigest()
    assert headers["X-ZSend-Signature"] == f"sha256={signed}"
    assert (headers["X-ZSend-Event"], headers["X-ZSend-Timestamp"]) == ("delivery", "1800000000")


def test_a_test_call_has_the_shape_of_a_delivery() -> None:
    """C-59, C-58."""
    body = json.loads(zsend.test_body("w1", 1_800_000_000_000))
    assert body["event"] == "test"
    assert body["email"]["test"] is True
    assert body["data"].keys() == read(DELIVERED)["data"].keys()

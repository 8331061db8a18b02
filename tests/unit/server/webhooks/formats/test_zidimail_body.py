"""The body of a call (contract rows Z-42, F-3)."""

import json
from typing import Any

from server.events.rows import EventRow
from server.webhooks.formats import zidimail
from server.webhooks.formats.format import EmailRow

EVENT = EventRow(
    org_id="0190c3a1f2b4c5d6e7f80911",
    stamp=0,
    seq=1,
    id="0190c3a1f2b4c5d6e7f80913",
    email_id="0190c3a1f2b4c5d6e7f80912",
    type="email.sent",
    recipient="",
    attempt=0,
    reply_code=None,
    reply_status=None,
    reply_text=None,
    remote_host=None,
    possible_duplicate=False,
    created_at=1_800_000_000_007,
)
PAUSED = EVENT._replace(
    email_id="",
    type="account.paused",
    details='{"reasons": ["policy"], "note": "Spam.", "rates": {"sent": 7}}',
)
EMAIL = EmailRow(
    org_id="0190c3a1f2b4c5d6e7f80911",
    id="0190c3a1f2b4c5d6e7f80912",
    sender="Ada <ada@mail.example.com>",
    to='["bob@example.net", "Zoë <zoe@example.org>"]',
    cc='["Cy <cy@example.net>"]',
    bcc="[]",
    reply_to="[]",
    subject="Grüße",
    tags="[]",
    headers='{"X-Order": "7"}',
    message_id="<0190c3a1f2b4c5d6e7f80912@mail.example.com>",
    test=False,
    created_at=1_799_999_999_000,
)


def _read(event: EventRow = EVENT, email: EmailRow = EMAIL) -> Any:
    return json.loads(zidimail.body(event, email))


def test_payload_has_the_fields_of_the_contract() -> None:
    assert _read() == {
        "type": "email.sent",
        "created_at": "2027-01-15T08:00:00.007Z",
        "data": {
            "email_id": "0190c3a1f2b4c5d6e7f80912",
            "message_id": "<0190c3a1f2b4c5d6e7f80912@mail.example.com>",
            "created_at": "2027-01-15T07:59:59.000Z",
            "from": "Ada <ada@mail.example.com>",
            "to": ["bob@example.net", "Zoë <zoe@example.org>"],
            "cc": ["Cy <cy@example.net>"],
            "bcc": [],
            "reply_to": [],
            "subject": "Grüße",
            "headers": [{"name": "X-Order", "value": "7"}],
        },
    }


def test_bounce_payload_has_recipient_reply_and_resends_names() -> None:
    event = EVENT._replace(
        type="email.bounced",
        recipient="bob@example.net",
        attempt=3,
        reply_code=550,
        reply_status="5.1.1",
        reply_text="no such user",
        remote_host="mx.example.net",
        possible_duplicate=True,
    )
    data = _read(event)["data"]
    assert data["recipient"] == "bob@example.net"
    assert data["attempt"] == 3
    assert data["possible_duplicate"] is True
    assert data["reply"] == {
        "code": 550,
        "enhanced_status": "5.1.1",
        "diagnostic": "no such user",
        "remote_host": "mx.example.net",
    }
    assert data["bounce"] == {"type": "Permanent", "subType": "General", "message": "no such user"}


def test_suppressed_payload_has_resends_names() -> None:
    event = EVENT._replace(type="email.suppressed", recipient="bob@example.net", reply_text="bounced before")
    suppressed = _read(event)["data"]["suppressed"]
    assert suppressed == {"type": "OnAccountSuppressionList", "message": "bounced before"}


def test_tags_are_an_object() -> None:
    data = _read(email=EMAIL._replace(tags='[["category", "welcome"], ["shard", "7"]]'))["data"]
    assert data["tags"] == {"category": "welcome", "shard": "7"}


def test_long_reply_is_truncated_in_the_payload() -> None:
    event = EVENT._replace(type="email.bounced", attempt=1, reply_code=550, reply_text="x" * 100_000)
    assert len(zidimail.body(event, EMAIL)) < 20_000


def test_the_same_event_gives_the_same_bytes() -> None:
    assert zidimail.body(EVENT, EMAIL) == zidimail.body(EVENT, EMAIL)


def test_a_test_call_has_the_form_of_a_delivery() -> None:
    """C-59."""
    body = json.loads(zidimail.test_body("0190c3a1f2b4c5d6e7f80913", 1_800_000_000_007))
    delivered = EVENT._replace(
        type="email.delivered", recipient="b@x.example", attempt=1, reply_code=250, reply_status="2.0.0"
    )
    real = _read(delivered, EMAIL._replace(tags='[["kind", "receipt"]]', test=True))
    assert (body["type"], body["created_at"]) == ("webhook.test", "2027-01-15T08:00:00.007Z")
    assert body["data"].keys() == real["data"].keys() | {"webhook_id"}
    assert {name: type(value) for name, value in body["data"].items() if name in real["data"]} == {
        name: type(value) for name, value in real["data"].items()
    }
    assert (body["data"]["webhook_id"], body["data"]["test"]) == ("0190c3a1f2b4c5d6e7f80913", True)


def test_change_of_an_account_has_its_reasons_and_rates() -> None:
    """C-69."""
    assert json.loads(zidimail.account_body(PAUSED)) == {
        "type": "account.paused",
        "created_at": "2027-01-15T08:00:00.007Z",
        "data": {"state": "paused", "reasons": ["policy"], "note": "Spam.", "rates": {"sent": 7}},
    }


def test_only_test_mail_is_marked() -> None:
    """C-58."""
    assert "test" not in _read()["data"]
    assert _read(email=EMAIL._replace(test=True))["data"]["test"] is True

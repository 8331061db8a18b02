"""Resend's own Python SDK works with only its URL and key changed."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
import resend
from resend.exceptions import ResendError

from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink, page

EMAIL: resend.Emails.SendParams = {
    "from": "Ada <ada@mail.example.com>",
    "to": ["you@example.org"],
    "subject": "By Resend's SDK",
    "html": "<p>Hi</p>",
    "reply_to": "answers@mail.example.com",
    "headers": {"X-Own": "1"},
    "tags": [{"name": "kind", "value": "test"}],
}


@pytest.fixture
def sdk(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK, pointed at the stack."""
    monkeypatch.setattr(resend, "api_url", f"{stack.http}/v1")
    monkeypatch.setattr(resend, "api_key", stack.api_key)


@pytest.mark.usefixtures("sdk")
async def test_a_mail_is_sent_and_read_back() -> None:
    sent = await asyncio.to_thread(resend.Emails.send, EMAIL)

    async def read() -> Any:
        email = await asyncio.to_thread(resend.Emails.get, sent["id"])
        return email if email["last_event"] == "delivered" else None

    email = await until(read, message="never delivered")
    assert email["id"] == sent["id"]
    assert email["object"] == "email"
    assert email["from"] == EMAIL["from"]
    assert email["to"] == EMAIL["to"]
    assert email["reply_to"] == ["answers@mail.example.com"]
    assert email["subject"] == EMAIL["subject"]
    assert email["html"] == EMAIL["html"]
    assert email["created_at"]


@pytest.mark.usefixtures("sdk")
async def test_a_batch_is_sent_and_repeated_safely() -> None:
    """C-4, F-1: a bare array, answered in order; the same key sends nothing twice."""
    options: resend.Batch.SendOptions = {"idempotency_key": "resend-batch"}
    first = await asyncio.to_thread(resend.Batch.send, [EMAIL, EMAIL], options)
    again = await asyncio.to_thread(resend.Batch.send, [EMAIL, EMAIL], options)
    ids = [entry["id"] for entry in first["data"]]
    assert len(set(ids)) == 2
    assert [entry["id"] for entry in again["data"]] == ids


@pytest.mark.usefixtures("sdk")
async def test_sdk_parses_lists_domains_and_webhooks() -> None:
    await asyncio.to_thread(resend.Emails.send, EMAIL)
    emails = await asyncio.to_thread(resend.Emails.list)
    assert emails["data"][0]["subject"]
    domain = await asyncio.to_thread(resend.Domains.create, {"name": "resend.example.com"})
    assert {record["record"] for record in domain["records"]} >= {"SPF", "DKIM"}
    listed = await asyncio.to_thread(resend.Domains.list)
    assert domain["id"] in [entry["id"] for entry in listed["data"]]
    assert (await asyncio.to_thread(resend.Domains.get, domain["id"]))["name"] == "resend.example.com"
    assert (await asyncio.to_thread(resend.Domains.remove, domain["id"]))["deleted"] is True


@pytest.mark.usefixtures("sdk")
async def test_error_raises_the_sdks_exception() -> None:
    with pytest.raises(ResendError) as refused:
        await asyncio.to_thread(resend.Emails.send, {**EMAIL, "from": "ada@elsewhere.example"})
    assert int(refused.value.code) == 422
    assert refused.value.error_type == "validation_error"


@pytest.mark.usefixtures("sdk")
async def test_attachments_are_sent_in_every_documented_form(stack: Stack) -> None:
    """Z-20, section D: a list of ints, base64, and a link."""
    async with WebhookSink() as sink:
        sink.pages["/a.csv"] = page(b"a,b", Content_Type="text/csv")
        attachments: list[Any] = [
            {"filename": "a.pdf", "content": list(b"%PDF-1.7")},
            {
                "filename": "b.txt",
                "content": base64.b64encode(b"plain").decode(),
                "content_type": "text/plain",
            },
            {"filename": "c.csv", "path": f"{sink.url}/a.csv"},
            {"filename": "d.png", "content": list(b"PNG"), "content_id": "logo"},
        ]
        params: Any = {**EMAIL, "attachments": attachments}
        sent = await asyncio.to_thread(resend.Emails.send, params)
    message = await captured(stack, sent["id"])
    found = {
        part.get_filename(): part.get_payload(decode=True) for part in message.walk() if part.get_filename()
    }
    assert found == {"a.pdf": b"%PDF-1.7", "b.txt": b"plain", "c.csv": b"a,b", "d.png": b"PNG"}


async def captured(stack: Stack, id: str) -> Message:
    path = stack.captured / f"{id}.1.eml"
    await until(path.exists, message="never captured")
    return message_from_bytes(path.read_bytes())


@pytest.mark.usefixtures("sdk")
async def test_a_scheduled_email_is_moved_and_canceled() -> None:
    """F-2, section D."""
    hour = datetime.now(UTC) + timedelta(hours=1)
    params: Any = {**EMAIL, "scheduled_at": hour.isoformat()}
    id = (await asyncio.to_thread(resend.Emails.send, params))["id"]
    later = (hour + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    moved = await asyncio.to_thread(resend.Emails.update, {"id": id, "scheduled_at": later})
    assert (moved["object"], moved["id"]) == ("email", id)
    email: Any = await asyncio.to_thread(resend.Emails.get, id)
    assert (email["scheduled_at"], email["last_event"]) == (later, "scheduled")
    canceled = await asyncio.to_thread(resend.Emails.cancel, id)
    assert (canceled["object"], canceled["id"]) == ("email", id)
    assert (await asyncio.to_thread(resend.Emails.get, id))["last_event"] == "canceled"

"""Resend's own Python SDK works with only its URL and key changed."""

import asyncio
from typing import Any

import pytest
import resend
from resend.exceptions import ResendError

from tests.harness.stack import Stack
from tests.harness.waiting import until

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

    email = await until(read, within=20, message="never delivered")
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
async def test_lists_domains_and_webhooks_are_understood() -> None:
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
async def test_an_error_becomes_the_sdks_own() -> None:
    with pytest.raises(ResendError) as refused:
        await asyncio.to_thread(resend.Emails.send, {**EMAIL, "from": "ada@elsewhere.example"})
    assert int(refused.value.code) == 422
    assert refused.value.error_type == "validation_error"

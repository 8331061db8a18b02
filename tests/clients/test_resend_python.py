"""Resend's Python SDK works with only its URL and key changed (contract section D)."""

import base64
import email
import email.policy
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import resend
import standardwebhooks
import svix
from resend.exceptions import ResendError

from tests.clients.resend_python import BUILT, NOT_BUILT, Sdk, methods_of
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import Call, WebhookSink, page

FROM = "Ada <ada@mail.example.com>"
PDF = b"%PDF-1.7 \x00\xff"


@pytest.fixture(params=["synchronous", "asynchronous"])
def sdk(request: pytest.FixtureRequest, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """The SDK, pointed at the stack, with an API key."""
    monkeypatch.setattr(resend, "api_url", f"{stack.http}/v1")
    monkeypatch.setattr(resend, "api_key", stack.api_key)
    return Sdk(stack.api_key, asynchronous=request.param == "asynchronous")


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    """A receiver of webhooks, and a host of files."""
    async with WebhookSink() as sink:
        yield sink


@pytest.mark.parametrize("kind", [*BUILT, *NOT_BUILT], ids=lambda kind: kind.__name__)
def test_every_method_of_the_sdk_is_tested(kind: type) -> None:
    assert methods_of(kind) == BUILT.get(kind, frozenset()) | NOT_BUILT.get(kind, frozenset())


async def test_email_with_every_option(sdk: Sdk, stack: Stack, sink: WebhookSink) -> None:
    sink.pages["/terms.txt"] = page(b"The terms.", Content_Type="text/plain")
    params: dict[str, Any] = {
        "from": FROM,
        "to": ["you@clients.example.org", "Grüße <me@clients.example.org>"],
        "cc": "copy@clients.example.org",
        "bcc": ["hidden@clients.example.org"],
        "reply_to": ["answers@mail.example.com", "others@mail.example.com"],
        "subject": "By Resend's SDK",
        "html": '<p>Hi <img src="cid:logo"></p>',
        "text": "Hi",
        "headers": {"X-Own": "1"},
        "tags": [{"name": "kind", "value": "test"}],
        "attachments": [
            {
                "filename": "a.pdf",
                "content": base64.b64encode(PDF).decode(),
                "content_type": "application/pdf",
            },
            {"filename": "b.bin", "content": list(PDF)},
            {"filename": "logo.png", "content": list(PDF), "content_type": "image/png", "content_id": "logo"},
            {"filename": "terms.txt", "path": f"{sink.url}/terms.txt"},
        ],
    }
    sent = await sdk(resend.Emails.send, params)

    async def delivered() -> Any:
        shown = await sdk(resend.Emails.get, sent["id"])
        return shown if shown["last_event"] == "delivered" else None

    shown = await until(delivered, within=20, message="never delivered")
    assert shown["object"] == "email"
    for name in ("from", "to", "bcc", "reply_to", "subject", "html", "text"):
        assert shown[name] == params[name]
    assert shown["cc"] == ["copy@clients.example.org"]
    message = _captured(stack, sent["id"])
    assert message["X-Own"] == "1"
    assert "hidden@clients.example.org" not in message.as_string()
    files = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert {name: part.get_payload(decode=True) for name, part in files.items()} == {
        "a.pdf": PDF,
        "b.bin": PDF,
        "logo.png": PDF,
        "terms.txt": b"The terms.",
    }
    assert files["logo.png"]["Content-ID"] == "<logo>"


def _captured(stack: Stack, email_id: str) -> EmailMessage:
    path = min(stack.captured.glob(f"{email_id}.*.eml"))
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_emails_are_sent_once_rescheduled_cancelled_and_listed(sdk: Sdk) -> None:
    params = {
        "from": FROM,
        "to": "you@clients.example.org",
        "subject": "Later",
        "html": "<p>x</p>",
        "text": "x",
    }
    once = {"idempotency_key": f"resend-{sdk.label}"}
    first = await sdk(resend.Emails.send, {**params, "reply_to": "answers@mail.example.com"}, once)
    again = await sdk(resend.Emails.send, {**params, "reply_to": "answers@mail.example.com"}, once)
    assert again["id"] == first["id"]
    assert again["http_headers"]["idempotent-replayed"] == "true"
    assert (await sdk(resend.Emails.get, first["id"]))["reply_to"] == ["answers@mail.example.com"]

    tomorrow, after = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
    later = await sdk(resend.Emails.send, {**params, "scheduled_at": tomorrow.isoformat()})
    moved = await sdk(resend.Emails.update, {"id": later["id"], "scheduled_at": after.isoformat()})
    assert moved["id"] == later["id"]
    shown = await sdk(resend.Emails.get, later["id"])
    assert shown["last_event"] == "scheduled"
    assert abs(datetime.fromisoformat(shown["scheduled_at"]) - after) < timedelta(seconds=1)
    assert (await sdk(resend.Emails.cancel, later["id"]))["id"] == later["id"]
    assert (await sdk(resend.Emails.get, later["id"]))["last_event"] in {"canceled", "cancelled"}

    newest = await sdk(resend.Emails.list, {"limit": 1})
    assert [each["id"] for each in newest["data"]] == [later["id"]]
    assert newest["has_more"] is True
    older = await sdk(resend.Emails.list, {"limit": 1, "after": later["id"]})
    assert [each["id"] for each in older["data"]] == [first["id"]]
    newer = await sdk(resend.Emails.list, {"before": first["id"]})
    assert [each["id"] for each in newer["data"]] == [later["id"]]
    assert sdk.called == {f"Emails.{name}" for name in BUILT[resend.Emails]}


async def test_batches_strict_and_permissive(sdk: Sdk) -> None:
    """C-4, F-1: answered in order; the same key sends nothing twice; a bad item fails alone if asked for."""
    good = {"from": FROM, "to": ["you@clients.example.org"], "subject": "Batch", "text": "x"}
    bad = {**good, "from": "ada@elsewhere.example"}
    once = {"idempotency_key": f"resend-batch-{sdk.label}"}
    first = await sdk(resend.Batch.send, [good, good], once)
    again = await sdk(resend.Batch.send, [good, good], once)
    ids = [entry["id"] for entry in first["data"]]
    assert len(set(ids)) == 2
    assert [entry["id"] for entry in again["data"]] == ids
    with pytest.raises(ResendError) as refused:
        await sdk(resend.Batch.send, [good, bad], {"batch_validation": "strict"})
    assert int(refused.value.code) == 422
    some = await sdk(resend.Batch.send, [good, bad], {"batch_validation": "permissive"})
    assert len(some["data"]) == 1
    assert [entry["index"] for entry in some["errors"]] == [1]


async def test_domains(sdk: Sdk) -> None:
    name = f"{sdk.label}.resend.example"
    made = await sdk(resend.Domains.create, {"name": name, "region": "eu-west-1", "open_tracking": True})
    assert {record["record"] for record in made["records"]} >= {"SPF", "DKIM"}
    assert (await sdk(resend.Domains.get, made["id"]))["name"] == name
    assert made["id"] in [entry["id"] for entry in (await sdk(resend.Domains.list))["data"]]
    page_of_one = await sdk(resend.Domains.list, {"limit": 1})
    assert len(page_of_one["data"]) == 1
    changes = {"id": made["id"], "open_tracking": False, "click_tracking": True, "tls": "enforced"}
    assert (await sdk(resend.Domains.update, changes))["id"] == made["id"]
    changed = await sdk(resend.Domains.get, made["id"])
    assert (changed["open_tracking"], changed["click_tracking"]) == (False, True)
    assert changed["tls"] == "enforced"
    assert (await sdk(resend.Domains.verify, made["id"]))["id"] == made["id"]
    assert (await sdk(resend.Domains.remove, made["id"]))["deleted"] is True
    assert sdk.called == {f"Domains.{each}" for each in BUILT[resend.Domains]}


async def test_api_keys(sdk: Sdk, stack: Stack) -> None:
    """Z-4: a session makes and revokes them, a key lists them."""
    with pytest.raises(ResendError) as refused:
        await sdk(resend.ApiKeys.create, {"name": "by a key"})
    assert int(refused.value.code) == 401
    with sdk.using(stack.jwt):
        made = await sdk(
            resend.ApiKeys.create,
            {"name": "by the SDK", "permission": "sending_access", "domain_id": stack.domain_id},
        )
        renamed = await sdk(resend.ApiKeys.update, {"id": made["id"], "name": "renamed"})
        assert renamed["id"] == made["id"]
    listed = await sdk(resend.ApiKeys.list)
    assert {entry["id"]: entry["name"] for entry in listed["data"]}[made["id"]] == "renamed"
    message = {"from": FROM, "to": "you@clients.example.org", "subject": "By its key", "text": "x"}
    with sdk.using(made["token"]):
        sent = await sdk(resend.Emails.send, message)
        assert [email["id"] for email in (await sdk(resend.Emails.list))["data"]] == [sent["id"]]
        with pytest.raises(ResendError):
            await sdk(resend.Domains.list)
    with sdk.using(stack.jwt):
        assert (await sdk(resend.ApiKeys.remove, made["id"]))["deleted"] is True
    assert sdk.called >= {f"ApiKeys.{each}" for each in BUILT[resend.ApiKeys]}


async def test_webhooks_and_their_calls(sdk: Sdk, sink: WebhookSink) -> None:
    path = f"/200/{sdk.label}"
    made = await sdk(
        resend.Webhooks.create, {"endpoint": f"{sink.url}{path}", "events": ["email.sent", "email.delivered"]}
    )
    hook = made["id"]
    message = {"from": FROM, "to": "you@clients.example.org", "subject": "Webhook", "html": "<p>x</p>"}
    sent = await sdk(resend.Emails.send, message)
    [first, second] = await until(lambda: calls if len(calls := sink.at(path)) >= 2 else None, within=20)
    for call in (first, second):
        _verify_by_all(call, made["signing_secret"])
        assert call.json()["data"]["email_id"] == sent["id"]
    assert {call.json()["type"] for call in (first, second)} == {"email.sent", "email.delivered"}

    shown = await sdk(resend.Webhooks.get, hook)
    assert shown["endpoint"] == f"{sink.url}{path}"
    assert hook in [entry["id"] for entry in (await sdk(resend.Webhooks.list))["data"]]

    async def settled() -> Any:
        listed = await sdk(resend.Webhooks.list_events, hook)
        return listed["data"] if {entry["status"] for entry in listed["data"]} == {"success"} else None

    events = await until(settled, within=10, message="the calls were never recorded")
    assert {entry["type"] for entry in events} == {"email.sent", "email.delivered"}
    one = (await sdk(resend.Webhooks.list_events, hook, {"limit": 1}))["data"]
    assert [entry["id"] for entry in one] == [events[0]["id"]]
    event = await sdk(resend.Webhooks.get_event, hook, events[0]["id"])
    assert event["payload"]["data"]["email_id"] == sent["id"]
    assert event["next_attempt_at"] is None
    [attempt] = (await sdk(resend.Webhooks.list_event_attempts, hook, event["id"]))["data"]
    assert (attempt["http_status_code"], attempt["response"]) == (200, "as the path asks")

    rotated = await sdk(resend.Webhooks.rotate_signing_secret, hook)
    assert (await sdk(resend.Webhooks.replay_event, hook, event["id"]))["id"]
    await until(lambda: len(sink.at(path)) >= 3, within=20, message="never replayed")
    replayed = sink.at(path)[2]
    assert replayed.json() == event["payload"]
    # F-3: for a day both secrets verify.
    for secret in (rotated["signing_secret"], made["signing_secret"]):
        _verify_by_libraries(replayed, secret)

    changes = {"webhook_id": hook, "events": ["email.bounced"], "status": "disabled"}
    assert (await sdk(resend.Webhooks.update, changes))["id"] == hook
    changed = await sdk(resend.Webhooks.get, hook)
    assert (changed["status"], changed["events"]) == ("disabled", ["email.bounced"])
    assert (await sdk(resend.Webhooks.remove, hook))["deleted"] is True
    expected = {f"Webhooks.{each}" for each in BUILT[resend.Webhooks] - {"verify"}}
    assert expected <= sdk.called


def _verify_by_all(call: Call, secret: str) -> None:
    """C-8: one secret satisfies every verifier, and none takes a body that was changed."""
    _verify_by_libraries(call, secret)
    documented = hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    assert call.headers["zidimail-signature"] == f"sha256={documented}"


def _verify_by_libraries(call: Call, secret: str) -> None:
    headers = resend.WebhookHeaders(
        id=call.headers["svix-id"],
        timestamp=call.headers["svix-timestamp"],
        signature=call.headers["svix-signature"],
    )
    options = resend.VerifyWebhookOptions(payload=call.body.decode(), headers=headers, webhook_secret=secret)
    assert resend.Webhooks.verify(options) == call.json()
    svix.Webhook(secret).verify(call.body, call.headers)
    standardwebhooks.Webhook(secret).verify(call.body, call.headers)
    forged = call.body.replace(b"email.", b"emaiI.")
    with pytest.raises(ValueError, match="signature"):
        resend.Webhooks.verify({**options, "payload": forged.decode()})
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(secret).verify(forged, call.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(forged, call.headers)


async def test_suppressions(sdk: Sdk) -> None:
    address, more = (
        f"gone-{sdk.label}@clients.example.org",
        [f"{name}-{sdk.label}@clients.example.org" for name in "ab"],
    )
    made = await sdk(resend.Suppressions.add, {"email": address})
    by_id = await sdk(resend.Suppressions.get, made["id"])
    assert (by_id["email"], by_id["origin"], by_id["source_id"]) == (address, "manual", None)
    assert (await sdk(resend.Suppressions.get, address))["id"] == made["id"]
    listed = await sdk(resend.Suppressions.list, {"origin": "manual", "limit": 100})
    assert made["id"] in [entry["id"] for entry in listed["data"]]
    added = (await sdk(resend.Suppressions.Batch.add, {"emails": more}))["data"]
    lifted = await sdk(resend.Suppressions.Batch.remove, {"emails": more[:1]})
    assert [entry["id"] for entry in lifted["data"]] == [added[0]["id"]]
    lifted = await sdk(resend.Suppressions.Batch.remove, {"ids": [added[1]["id"]]})
    assert [entry["id"] for entry in lifted["data"]] == [added[1]["id"]]
    assert (await sdk(resend.Suppressions.remove, address))["deleted"] is True
    with pytest.raises(ResendError) as unknown:
        await sdk(resend.Suppressions.get, address)
    assert int(unknown.value.code) == 404


async def test_attachments_of_an_email(sdk: Sdk) -> None:
    """Z-23, F-12: what they were called, and how large they were."""
    message = {
        "from": FROM,
        "to": "you@clients.example.org",
        "subject": "Files",
        "html": '<img src="cid:logo">',
        "attachments": [
            {"filename": "one.pdf", "content": base64.b64encode(PDF).decode()},
            {"filename": "two.png", "content": list(b"\x89PNG"), "content_id": "logo"},
        ],
    }
    id = (await sdk(resend.Emails.send, message))["id"]
    files = (await sdk(resend.Emails.Attachments.list, id))["data"]
    assert [(file["filename"], file["size"], file["content_disposition"]) for file in files] == [
        ("one.pdf", len(PDF), "attachment"),
        ("two.png", 4, "inline"),
    ]
    [second] = (await sdk(resend.Emails.Attachments.list, id, {"limit": 1, "after": files[0]["id"]}))["data"]
    assert second == files[1]
    assert second.items() <= (await sdk(resend.Emails.Attachments.get, id, second["id"])).items()
    with pytest.raises(ResendError, match="no attachment"):
        await sdk(resend.Emails.Attachments.get, id, "0" * 24)


async def test_usage(sdk: Sdk) -> None:
    """F-9."""
    message = {"from": FROM, "to": "you@clients.example.org", "subject": "Counted", "text": "x"}
    before = (await sdk(resend.Usage.get))["emails"]
    await sdk(resend.Emails.send, message)
    after = (await sdk(resend.Usage.get))["emails"]
    for period in ("daily", "monthly"):
        assert after[period]["used"] == before[period]["used"] + 1
        assert after[period]["sent"] == after[period]["used"]


async def test_error_raises_the_sdks_exception(sdk: Sdk) -> None:
    with pytest.raises(ResendError) as refused:
        await sdk(
            resend.Emails.send,
            {"from": "ada@elsewhere.example", "to": "you@clients.example.org", "subject": "x", "text": "x"},
        )
    assert int(refused.value.code) == 422
    assert refused.value.error_type == "validation_error"
    with sdk.using("re_unknown"), pytest.raises(ResendError) as unknown:
        await sdk(resend.Emails.list)
    assert int(unknown.value.code) == 401

"""One mail sent by REST: captured, signed, logged, reported."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import dkim
import pytest
import standardwebhooks
import svix.webhooks

from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import Call, WebhookSink

ISO_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
GREETING = {
    "from": "Ada Größe <ada@mail.example.com>",
    "subject": "Grüße aus der Ferne",
    "text": "Hello\n.\nthere\n",
}


def dns_of(domain: dict[str, Any]) -> Callable[..., bytes]:
    """The published records of a domain as dkimpy asks for them."""
    records = {record["name"].lower(): record["value"] for record in domain["dns_records"]}

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return str(records.get(name.decode().rstrip(".").lower(), "")).encode()

    return look_up


async def delivered(rest: Rest, email_id: str) -> dict[str, Any]:
    """The email, once it is delivered."""

    async def read() -> dict[str, Any] | None:
        answer = await rest.get(f"/v1/emails/{email_id}")
        assert answer.status == 200, answer
        return answer.body if answer.body["status"] == "delivered" else None

    email = await until(read, message=f"{email_id} was never delivered")
    return email


def captured(stack: Stack, email_id: str) -> list[Path]:
    """The captured files of an email, in the order of its recipients."""
    return sorted(stack.captured.glob(f"{email_id}.*.eml"))


async def test_a_mail_is_captured_with_an_rsa_and_an_ed25519_signature_that_verify(stack: Stack) -> None:
    """F-11: both signatures verify against the records that the domain tells to publish (Z-30)."""
    async with Rest(stack.http, stack.api_key) as rest:
        headers = {"List-Unsubscribe": "<https://example.com/u/" + "x" * 90 + ">", "X-Own": "1"}
        sent = await rest.post(
            "/v1/emails", {**GREETING, "to": "you@example.org", "html": "<p>Hi</p>", "headers": headers}
        )
        assert sent.status == 200, sent
        email_id = sent.body["id"]
        assert re.fullmatch(r"[0-9a-f]{24}", email_id)
        await delivered(rest, email_id)
        domain = (await rest.get(f"/v1/domains/{stack.domain_id}")).body
    [path] = captured(stack, email_id)
    raw = path.read_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    signatures = message.get_all("DKIM-Signature") or []
    assert {re.search(r"\ba=([\w-]+)", str(signature))[1] for signature in signatures} == {  # type: ignore[index]
        "rsa-sha256",
        "ed25519-sha256",
    }
    verifier = dkim.DKIM(raw)
    for index, signature in enumerate(signatures):
        assert verifier.verify(idx=index, dnsfunc=dns_of(domain)), signature
        assert f"d={stack.domain}" in str(signature)
        signed = re.search(r"\bh=([^;]+)", str(signature))
        assert signed is not None
        assert "list-unsubscribe" in re.sub(r"\s", "", signed[1]).lower().split(":")
    tampered = raw.replace(b"Subject:", b"Subject: [x]", 1)
    assert not dkim.DKIM(tampered).verify(idx=0, dnsfunc=dns_of(domain))

    assert message["Subject"] == GREETING["subject"]
    assert message["From"] == GREETING["from"]
    assert message["To"] == "you@example.org"
    assert message["X-Own"] == "1"
    assert message["Message-ID"]
    assert message["Date"]
    # A long List-Unsubscribe that is folded into encoded words shows no button at the big receivers.
    assert (
        message_from_bytes(raw)["List-Unsubscribe"].replace("\r\n", "").strip() == headers["List-Unsubscribe"]
    )
    assert message.get_body(("plain",)).get_content().splitlines() == ["Hello", ".", "there"]  # type: ignore[union-attr]
    assert message.get_body(("html",)).get_content().strip() == "<p>Hi</p>"  # type: ignore[union-attr]


async def test_email_is_delivered_with_its_events_in_order(stack: Stack) -> None:
    """Z-28: the row and its events."""
    async with Rest(stack.http, stack.api_key) as rest:
        to = ["a@example.org", "B <b@example.org>"]
        tags = [{"name": "k", "value": "v"}]
        sent = await rest.post(
            "/v1/emails",
            {**GREETING, "to": to, "bcc": "c@example.org", "tags": tags},
        )
        email = await delivered(rest, sent.body["id"])
        events = [event["type"] for event in email["events"]]
        assert events[0] == "email.sent"
        assert sorted(events[1:]) == ["email.delivered"] * 3
        assert {e["recipient"] for e in email["events"][1:]} == {
            "a@example.org",
            "b@example.org",
            "c@example.org",
        }
        assert email["to"] == to
        assert email["bcc"] == ["c@example.org"]
        assert email["subject"] == GREETING["subject"]
        assert email["object"] == "email"
        assert email["last_event"] == "delivered"
        listed = (await rest.get("/v1/emails?limit=100")).body
        assert sent.body["id"] in [entry["id"] for entry in listed["data"]]
    files = captured(stack, sent.body["id"])
    assert len(files) == 3
    for path in files:
        # Bcc is in the envelope, never in the message.
        assert b"c@example.org" not in path.read_bytes()


def verifies_by_standardwebhooks(secret: str, call: Call, body: bytes) -> bool:
    try:
        standardwebhooks.Webhook(secret).verify(body, call.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def verifies_by_svix(secret: str, call: Call, body: bytes) -> bool:
    only_svix = {name: value for name, value in call.headers.items() if name.startswith("svix-")}
    try:
        svix.webhooks.Webhook(secret).verify(body, only_svix)
    except svix.webhooks.WebhookVerificationError:
        return False
    return True


def verifies_by_hmac(secret: str, call: Call, body: bytes) -> bool:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, call.headers["zidimail-signature"])


@pytest.mark.parametrize(
    "verifies",
    [verifies_by_standardwebhooks, verifies_by_svix, verifies_by_hmac],
    ids=["standard", "svix", "hmac"],
)
async def test_webhook_call_arrives_with_three_signatures_that_verify(
    stack: Stack, verifies: Callable[[str, Call, bytes], bool]
) -> None:
    """C-8, Z-41, Z-42: one secret, three families, the documented body."""
    async with WebhookSink() as sink, Rest(stack.http, stack.api_key) as rest:
        url = f"{sink.url}/200/hook"
        made = await rest.post("/v1/webhooks", {"url": url, "events": ["email.delivered"]})
        assert made.status == 201, made
        secret = made.body["secret"]
        assert secret.startswith("whsec_")
        try:
            sent = await rest.post("/v1/emails", {**GREETING, "to": "you@example.org"})
            email_id = sent.body["id"]

            def calls() -> list[Call]:
                # Mail of other tests may still be under way.
                return [call for call in sink.calls if call.json()["data"]["email_id"] == email_id]

            [call] = await until(calls, message="no webhook came")
        finally:
            await rest.delete(f"/v1/webhooks/{made.body['id']}")
    assert verifies(secret, call, call.body)
    assert not verifies(secret, call, call.body.replace(b"delivered", b"bounced  "))
    assert not verifies("whsec_" + "A" * 32, call, call.body)
    body = json.loads(call.body)
    assert body["type"] == call.headers["zidimail-event"] == "email.delivered"
    assert ISO_MS.fullmatch(body["created_at"])
    assert body["data"]["to"] == ["you@example.org"]
    assert body["data"]["from"] == GREETING["from"]
    assert body["data"]["subject"] == GREETING["subject"]
    assert (body["data"]["attempt"], body["data"]["possible_duplicate"]) == (1, False)
    assert isinstance(body["data"]["possible_duplicate"], bool)


async def test_repeated_send_with_one_idempotency_key_is_one_mail(stack: Stack) -> None:
    """F-1: the first answer again, with `Idempotent-Replayed`; another payload is a conflict."""
    email = {**GREETING, "to": "once@example.org"}
    async with Rest(stack.http, stack.api_key) as rest:
        first = await rest.post("/v1/emails", email, Idempotency_Key="acceptance-1")
        again = await rest.post("/v1/emails", email, Idempotency_Key="acceptance-1")
        other = await rest.post("/v1/emails", {**email, "subject": "x"}, Idempotency_Key="acceptance-1")
        assert first.status == again.status == 200
        assert first.body["id"] == again.body["id"]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status, other.body["name"]) == (409, "invalid_idempotent_request")
        await delivered(rest, first.body["id"])
    assert len(captured(stack, first.body["id"])) == 1

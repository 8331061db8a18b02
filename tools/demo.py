"""`make demo`: sends one mail through each interface, in a temporary folder, and shows the results."""

import asyncio
import contextlib
import hashlib
import hmac
import re
import smtplib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import SMTP
from pathlib import Path
from typing import Any

import dkim
import standardwebhooks
import svix.webhooks
from zidimail.v1 import email_service_pb2, email_service_pb2_grpc

from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import Call, WebhookSink

HOOK = "/200/demo"
EVENTS = ("email.sent", "email.delivered")
RECIPIENT = "you@example.net"
DELIVERED_WITHIN_S = 30.0
WIDTH = 110


class DemoError(Exception):
    """A step of the demonstration failed; the message says which one."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that one of the interfaces accepted."""

    interface: str
    id: str


def heading(text: str) -> None:
    """Begins a part of the output."""
    print(f"\n{_styled('1', text)}\n")


def line(text: str, *, mark: str = "") -> None:
    """One indented line."""
    print(f"    {_styled('32', mark) + ' ' if mark else ''}{text}")


def quote(text: str) -> None:
    """Text that was received, broken at the width of the page."""
    for begin in range(0, max(len(text), 1), WIDTH):
        print(f"    {_styled('2', '|')} {text[begin : begin + WIDTH]}")


def _styled(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() else text


def require(holds: bool, message: str) -> None:
    """Raises DemoError with `message` unless it holds."""
    if not holds:
        raise DemoError(message)


def email_from(domain: str, interface: str) -> dict[str, Any]:
    """The mail to send through an interface."""
    return {
        "from": f"Ada <ada@{domain}>",
        "to": [RECIPIENT],
        "subject": f"Hello through {interface}",
        "text": "It works.\n",
        "html": "<p>It <b>works</b>.</p>\n",
    }


async def send_by_rest(rest: Rest, stack: Stack) -> Sent:
    """Sends the mail through REST."""
    answer = await rest.post("/v1/emails", email_from(stack.domain, "REST"))
    require(answer.status == 200, f"REST answered {answer.status}: {answer.content.decode()}")
    line(f"REST  POST {stack.http}/v1/emails  ->  {answer.status} {answer.content.decode()}", mark="✓")
    return Sent("REST", answer.body["id"])


async def send_by_grpc(stack: Stack) -> Sent:
    """Sends the mail through gRPC."""
    request = email_service_pb2.SendEmailRequest(**email_from(stack.domain, "gRPC"))
    async with stack.channel() as channel:
        stub = email_service_pb2_grpc.EmailServiceStub(channel)
        answer = await stub.SendEmail(
            request, metadata=(("authorization", f"Bearer {stack.api_key}"),), timeout=DELIVERED_WITHIN_S
        )
    line(f'gRPC  {stack.grpc} EmailService.SendEmail  ->  OK id: "{answer.id}"', mark="✓")
    return Sent("gRPC", answer.id)


def send_by_smtp(stack: Stack) -> Sent:
    """Sends the mail through SMTP, as programs do that know nothing of this platform."""
    email = email_from(stack.domain, "SMTP")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = email["from"], email["to"][0], email["subject"]
    message.set_content(email["text"])
    message.add_alternative(email["html"], subtype="html")
    with smtplib.SMTP("127.0.0.1", stack.smtp_port, timeout=DELIVERED_WITHIN_S) as smtp:
        smtp.login("apikey", stack.api_key)
        smtp.mail(f"ada@{stack.domain}")
        smtp.rcpt(RECIPIENT)
        code, text = smtp.data(message.as_bytes(policy=SMTP))
    require(code == 250, f"SMTP answered {code} {text.decode()}")
    line(f"SMTP  127.0.0.1:{stack.smtp_port}  ->  {code} {text.decode()}", mark="✓")
    return Sent("SMTP", text.decode().rpartition(" ")[2])


async def delivered(rest: Rest, sent: Sent) -> dict[str, Any]:
    """The email in REST's form, once it is delivered. Raises AssertionError after 30 seconds."""

    async def read() -> dict[str, Any] | None:
        email: dict[str, Any] = (await rest.get(f"/v1/emails/{sent.id}")).body
        return email if email.get("status") == "delivered" else None

    found = await until(
        read, within=DELIVERED_WITHIN_S, message=f"the mail sent by {sent.interface} was not delivered"
    )
    assert found is not None
    return found


def show_message(path: Path) -> None:
    """The message as it arrived."""
    line(str(path))
    for text in path.read_text(errors="replace").splitlines():
        quote(text)


def show_signatures(raw: bytes, records: dict[bytes, bytes]) -> None:
    """Verifies every DKIM signature with dkimpy, against the records that the domain publishes."""
    headers = HeaderParser().parsestr(raw.decode(errors="replace"))
    signatures = headers.get_all("DKIM-Signature") or []
    require(bool(signatures), "the message carries no DKIM signature")
    verifier = dkim.DKIM(raw)
    for index, signature in enumerate(signatures):
        tags = dict(re.findall(r"\b([a-z]+)=([^;\s]+)", signature))
        name = f"{tags['a']}, selector {tags['s']}, domain {tags['d']}"
        verifies = verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name.rstrip(b".")))
        require(verifies, f"the DKIM signature by {name} does not verify")
        line(f"{name}: verifies", mark="✓")


def show_events(email: dict[str, Any]) -> None:
    """The events of one email, oldest first."""
    for event in email["events"]:
        line(f"{event['created_at']}  {event['type']:<16}  {event['recipient'] or 'all recipients'}")


def show_call(call: Call, secret: str) -> None:
    """One webhook call, with each signature verified by the library of its format."""
    line(f"{call.method} {call.path}")
    for name in sorted(call.headers):
        if name.startswith(("zidimail-", "webhook-", "svix-")):
            quote(f"{name}: {call.headers[name]}")
    quote(call.body.decode())
    digest = hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    require(call.headers.get("zidimail-signature") == f"sha256={digest}", "ZidiMail-Signature is wrong")
    line("ZidiMail-Signature: verified by plain HMAC-SHA256", mark="✓")
    # Both libraries raise when a signature is wrong.
    standardwebhooks.Webhook(secret).verify(call.body, call.headers)
    line("webhook-signature: verified by the package standardwebhooks", mark="✓")
    aliases = {name: value for name, value in call.headers.items() if name.startswith("svix-")}
    svix.webhooks.Webhook(secret).verify(call.body, aliases)
    line("svix-signature: verified by the package svix", mark="✓")


async def demonstrate(stack: Stack) -> None:
    """Runs the demonstration on a running server and edge."""
    async with WebhookSink() as sink, Rest(stack.http, stack.api_key) as rest:
        hook = await rest.post("/v1/webhooks", {"url": sink.url + HOOK, "events": EVENTS})
        require(hook.status == 201, f"the webhook was not registered: {hook.content.decode()}")
        heading("A mail through each interface")
        mails = [
            await send_by_rest(rest, stack),
            await send_by_grpc(stack),
            await asyncio.to_thread(send_by_smtp, stack),
        ]
        emails = [await delivered(rest, sent) for sent in mails]
        domain = (await rest.get(f"/v1/domains/{stack.domain_id}")).body
        records = {record["name"].encode(): record["value"].encode() for record in domain["dns_records"]}
        files = [next(stack.captured.glob(f"{sent.id}.*.eml")) for sent in mails]
        heading("What arrived (the mail sent by REST)")
        show_message(files[0])
        for sent, path in zip(mails, files, strict=True):
            heading(f"DKIM signatures of the mail sent by {sent.interface}, verified by dkimpy")
            show_signatures(path.read_bytes(), records)
        for sent, email in zip(mails, emails, strict=True):
            heading(f"Events of the mail sent by {sent.interface}: it is {email['status']}")
            show_events(email)
        expected = len(EVENTS) * len(mails)
        await until(
            lambda: len({call.headers.get("webhook-id") for call in sink.at(HOOK)}) >= expected,
            within=DELIVERED_WITHIN_S,
            message=f"fewer than {expected} webhook calls came",
        )
        calls = [call for call in sink.at(HOOK) if call.json()["type"] == "email.delivered"]
        heading(f"Webhook: {expected} events were posted; one of them")
        show_call(calls[0], hook.body["secret"])


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """All programs on free ports; they are stopped and their folder removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="zidimail-demo-") as folder, Stack(Path(folder)) as stack:
        stack.start_relay()
        yield stack


def main() -> None:
    """Exits with 0 if all of it worked."""
    print("Starting server, edge and relay in a temporary folder …")
    try:
        with running() as stack:
            asyncio.run(demonstrate(stack))
    except KeyboardInterrupt:
        sys.exit(130)
    except (DemoError, AssertionError) as error:
        sys.exit(f"\nThe demonstration failed: {error}")
    print("\nAll of it was stopped and removed. To keep something running: make run")


if __name__ == "__main__":
    main()

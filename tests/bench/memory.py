"""B5 and B7: many mails from send to delivery, and the memory that they take.

B5: mails are sent through REST as fast as they are taken, delivered to a local receiver, and a webhook is
called for each; what counts is the time until the last call arrived. B7: the server's resident memory,
idle, at its highest under that load, and at its highest while a mail with an attachment of 40 MB is taken
and delivered, the most that any plan allows.
"""

import asyncio
import base64
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.delivery import receiver, unpacked_postfix
from tests.bench.figure import Figure, Target
from tests.bench.load import run
from tests.bench.programs import body, running
from tests.bench.rest import load_of
from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink

CONNECTIONS = 16
SECONDS = 15.0
ATTACHMENT = 40 << 20
MB = 1 << 20


class ScaleStack(Stack):
    """A stack whose organisations may send the largest attachments."""

    plan = "scale"


async def measure() -> list[Figure]:
    """One stack: first idle, then under load; another one for the attachment."""
    with receiver(unpacked_postfix()) as port:
        smarthost = f"smtp://127.0.0.1:{port}"
        with running(ScaleStack, smarthost) as stack:
            idle = _resident(stack)
            rate = await _end_to_end(stack)
            busy = _highest(stack)
        with running(ScaleStack, smarthost) as stack:
            before = _resident(stack)
            await _send_attachment(stack)
            large = _highest(stack) - before
    return [
        Figure(
            "B5",
            f"REST in, delivered, event, webhook out; {CONNECTIONS} connections, SQLite",
            rate,
            "mails/s",
            target=Target(500, of="measured"),
        ),
        _memory("server, idle", idle, 150),
        _memory(f"server, at {rate:,.0f} mails/s from REST to webhook", busy, 400),
        _memory("server, one mail of 40 MB more", large, 5 * ATTACHMENT / MB),
    ]


def _memory(what: str, measured: float, most: float) -> Figure:
    target = Target(most, of="measured", bound="at most")
    return Figure("B7", f"resident memory: {what}", measured, "MB", target=target)


async def _end_to_end(stack: Stack) -> float:
    """Mails per second, from the first request to the call of the webhook for the last mail."""
    async with WebhookSink(keep=False) as sink, Rest(stack.http, stack.api_key) as rest:
        hook = {"url": f"{sink.url}/200", "events": ["email.delivered"]}
        assert (await rest.post("/v1/webhooks", hook)).status == 201
        load = replace(load_of(stack, body(stack.domain), CONNECTIONS), seconds=SECONDS)
        begin = time.perf_counter()
        await asyncio.to_thread(run, load)
        accepted = (await rest.get("/v1/emails?limit=1")).body["total"]
        await until(lambda: sink.count >= accepted, within=300, message="the webhook was not called")
        return float(accepted / (time.perf_counter() - begin))


async def _send_attachment(stack: Stack) -> None:
    content = base64.b64encode(bytes(ATTACHMENT)).decode()
    email = {
        "from": f"orders@{stack.domain}",
        "to": "customer@example.net",
        "subject": "Your catalogue",
        "text": "It is attached.",
        "attachments": [{"filename": "catalogue.bin", "content": content}],
    }
    async with Rest(stack.http, stack.api_key) as rest:
        sent = await rest.post("/v1/emails", email)
        assert sent.status == 200, sent.content

        async def delivered() -> Any:
            shown = (await rest.get(f"/v1/emails/{sent.body['id']}")).body
            return shown["status"] == "delivered"

        await until(delivered, within=120, message="the attachment was not delivered")


def _resident(stack: Stack) -> float:
    return _of_status(stack, "VmRSS")


def _highest(stack: Stack) -> float:
    return _of_status(stack, "VmHWM")


def _of_status(stack: Stack, name: str) -> float:
    """A size of the server's process in MB, as Linux tells it."""
    lines = Path(f"/proc/{stack.server_pid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))

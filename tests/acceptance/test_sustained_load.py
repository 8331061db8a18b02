"""Delivery, webhooks and statistics make progress under a sustained load of sends."""

import asyncio
import re
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink

SENDERS = 2
# More emails together than make the load high (`server/work/backpressure.py`).
BATCH = 20
EMAILS = 300


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own: other tests would wait for its load."""
    with Stack(tmp_path) as stack:
        yield stack


def paused_loops(stack: Stack) -> set[str]:
    """The background loops that have paused because of the load."""
    with urllib.request.urlopen(f"{stack.metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = re.findall(r'zidimail_background_paused_seconds_total\{loop="(.+)"\} (\S+)', text)
    return {loop for loop, seconds in samples if float(seconds) > 0}


async def test_delivery_webhooks_and_statistics_continue_under_sustained_sends(own_stack: Stack) -> None:
    numbers = count()

    async def send_batches(rest: Rest) -> None:
        while True:
            emails = [
                {
                    "from": f"orders@{own_stack.domain}",
                    "to": [f"customer-{next(numbers)}@example.net"],
                    "subject": "Your order",
                    "text": "Thank you.",
                }
                for _ in range(BATCH)
            ]
            sent = await rest.post("/v1/emails/batch", emails)
            assert sent.status == 200, sent.content

    async with WebhookSink(keep=False) as sink, Rest(own_stack.http, own_stack.api_key) as rest:
        hook = {"url": f"{sink.url}/200", "events": ["email.delivered"]}
        assert (await rest.post("/v1/webhooks", hook)).status == 201
        senders = [asyncio.create_task(send_batches(rest)) for _ in range(SENDERS)]

        async def is_served() -> bool:
            totals: dict[str, Any] = (await rest.get("/v1/emails/stats?days=2")).body["totals"]
            return totals["delivered"] >= EMAILS and sink.count >= EMAILS

        try:
            await until(is_served, within=90)
            assert not any(sender.done() for sender in senders), senders
            paused = await asyncio.to_thread(paused_loops, own_stack)
        finally:
            for sender in senders:
                sender.cancel()
                with suppress(asyncio.CancelledError):
                    await sender
    assert paused == {"delivery", "events.watch", "webhooks.fan_out", "statistics"}

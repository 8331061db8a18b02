"""The clients of a run. Each notes the replies it gets; none of them knows of the faults."""

import asyncio
import itertools
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import grpc
import grpc.aio
from zidimail.v1 import event_service_pb2, event_service_pb2_grpc

from tests.harness.ledger import LEDGER_HEADER
from tests.harness.stack import Stack
from tests.histories.history import Cancel, History, Reply, Send

_TIMEOUT_S = 8.0
_PAUSE_S = 0.05
_PAGE = 7
# Seconds from the acceptance of a scheduled email to its time.
_AHEAD_S = 1.5


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one request for its client; `status` is 0 and `body` None if no answer came."""

    reply: Reply
    status: int = 0
    body: Any = None


class Client:
    """A client of one of the stacks, with one API key."""

    def __init__(self, stack: Stack, api_key: str) -> None:
        self._url = stack.http
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))

    async def close(self) -> None:
        """Closes its connections."""
        await self._session.close()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Makes one request."""
        sent = self._headers | dict(headers or {})
        try:
            async with self._session.request(method, self._url + path, json=body, headers=sent) as answer:
                text = await answer.text()
                if answer.status < 300:
                    return Answer("yes", answer.status, await answer.json())
                # A commit whose outcome nobody knows is said to be one (C-94), and so is a time-out.
                is_unknown = answer.status in (502, 504) or "Idempotency-Key" in text
                return Answer("unknown" if is_unknown else "no", answer.status, await answer.json())
        except (aiohttp.ClientError, TimeoutError):
            return Answer("unknown")

    async def insist(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the first answer of success."""
        while True:
            answer = await self.ask(method, path, body)
            if answer.reply == "yes":
                return answer.body
            await asyncio.sleep(_PAUSE_S)


def email(domain: str, mark: str) -> dict[str, Any]:
    """An email to one recipient that the receiver tells by its mark."""
    return {
        "from": f"shop@{domain}",
        "to": [f"ok+{mark}@site{len(mark) % 3}.test"],
        "subject": f"Entry {mark}",
        "text": "One line.",
        "headers": {LEDGER_HEADER: mark},
    }


async def send_without_keys(client: Client, domain: str, history: History, stopping: asyncio.Event) -> None:
    """Sends one email after the other, each once."""
    for number in itertools.count():
        if stopping.is_set():
            return
        mark = f"plain-{id(client)}-{number}"
        answer = await client.ask("POST", "/v1/emails", email(domain, mark))
        history.sends.append(Send(mark, answer.reply))
        if answer.reply != "yes":
            await asyncio.sleep(_PAUSE_S)


async def cancel_at_the_edge(
    client: Client, domain: str, history: History, stopping: asyncio.Event, chance: random.Random
) -> None:
    """Schedules emails and cancels each about when its time comes."""
    for number in itertools.count():
        if stopping.is_set():
            return
        mark = f"scheduled-{id(client)}-{number}"
        due = datetime.now(UTC) + timedelta(seconds=_AHEAD_S)
        body = email(domain, mark) | {"scheduled_at": due.isoformat()}
        made = await client.ask("POST", "/v1/emails", body)
        if made.reply != "yes":
            # It is not cancelled, stored or not.
            history.sends.append(Send(mark, made.reply))
            await asyncio.sleep(_PAUSE_S)
            continue
        await asyncio.sleep(_AHEAD_S + chance.uniform(-0.2, 0.3))
        cancelled = await client.ask("POST", f"/v1/emails/{made.body['id']}/cancel")
        history.cancels.append(Cancel(mark, cancelled.reply))


async def race_for_the_limit(client: Client, domain: str, history: History, refusals: int = 5) -> None:
    """Sends until some emails in a row are refused because of the limit of the day."""
    refused = 0
    for number in itertools.count():
        mark = f"limited-{id(client)}-{number}"
        answer = await client.ask("POST", "/v1/emails", email(domain, mark))
        if answer.reply == "no" and answer.status != 429:
            await asyncio.sleep(_PAUSE_S)
            continue
        history.limited.append(Send(mark, answer.reply))
        refused = refused + 1 if answer.reply == "no" else 0
        if refused == refusals:
            return


async def move_webhooks(
    client: Client, url: str, events: Sequence[str], history: History, stopping: asyncio.Event
) -> None:
    """Registers webhooks, moves and removes each; notes when an address was given up."""
    for number in itertools.count():
        if stopping.is_set():
            return
        first, second = (f"/200/hook-{number}-{name}" for name in ("first", "second"))
        made = await client.insist("POST", "/v1/webhooks", {"url": url + first, "events": list(events)})
        path = f"/v1/webhooks/{made['id']}"
        await asyncio.sleep(0.3)
        await client.insist("PATCH", path, {"url": url + second})
        history.abandoned[first] = time.monotonic()
        await asyncio.sleep(0.3)
        # An earlier try whose answer was lost may have been carried out: then it is not found.
        while True:
            answer = await client.ask("DELETE", path)
            if answer.reply == "yes" or answer.status == 404:
                break
            await asyncio.sleep(_PAUSE_S)
        history.abandoned[second] = time.monotonic()


async def read_by_list(client: Client, seen: list[str]) -> None:
    """Reads the log in small pages by JSON, again and again from its last cursor, until it is cancelled."""
    cursor = ""
    while True:
        after = f"&after={cursor}" if cursor else ""
        page = await client.insist("GET", f"/v1/events?limit={_PAGE}{after}")
        seen += [event["id"] for event in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            await asyncio.sleep(_PAUSE_S)


async def read_by_grpc(stack: Stack, api_key: str, seen: list[str]) -> None:
    """The same by gRPC."""
    options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
    metadata = (("authorization", f"Bearer {api_key}"),)
    cursor = ""
    async with grpc.aio.insecure_channel(stack.grpc, options=options) as channel:
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        while True:
            request = event_service_pb2.ListEventsRequest(after=cursor, limit=_PAGE)
            try:
                page = await stub.ListEvents(request, metadata=metadata, timeout=_TIMEOUT_S)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(_PAUSE_S)
                continue
            seen += [event.id for event in page.data]
            cursor = page.next_cursor
            if not page.has_more:
                await asyncio.sleep(_PAUSE_S)

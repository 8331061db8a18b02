"""One run: programs, clients and faults of a seed, and the history that they leave."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.clients import NEVER_PAUSED, Senders
from tests.faults.crash import sink_process
from tests.faults.readers import EVENT_TYPES, Readers
from tests.harness.forwarder import network_to
from tests.harness.ledger import ClientBook, compare, read_server, read_sink
from tests.harness.organisations import Kind
from tests.harness.stack import Replica, Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.harness.wrong_clock import WrongClock
from tests.histories import actors
from tests.histories.checker import violations
from tests.histories.faults import FAULTS, Scene, chosen
from tests.histories.history import Called, History

# Short, so that what a dead server had claimed is taken up again within the run.
LEASE_S = 3
_CALM_WITHIN_S = 90.0
_BETWEEN_S = 1.0
_LIMIT = 60
_AMPLE = {"monthly": "100000", "unique": "100000", "burst": "100000"}
KINDS = {"limited": Kind(["--plan", "free"], _AMPLE | {"daily": str(_LIMIT)})}


@dataclass(slots=True)
class Outcome:
    """The broken promises, and the run in words."""

    broken: list[str]
    done: str

    def __str__(self) -> str:
        return "\n".join([self.done, *self.broken[:20]])


async def run(folder: Path, seed: int, *, database_url: str | None, faults: int) -> Outcome:
    """Runs a history on SQLite, or with two servers on the PostgreSQL at a URL."""
    chance = random.Random(seed)
    engine = "sqlite" if database_url is None else "postgresql"
    plan = chosen(engine, chance, faults)
    async with _running(folder, database_url) as (stacks, scene, ledger, sink):
        history = History(limit=_LIMIT)
        history.grace_s = 1.0 + sum(lasts_s for name, lasts_s in plan if name == "freeze")
        world = _World(stacks, folder, sink, history, chance)
        await world.begin()
        for name, lasts_s in plan:
            await asyncio.sleep(chance.uniform(0, _BETWEEN_S))
            await asyncio.to_thread(FAULTS[engine][name], scene, lasts_s)
        await asyncio.sleep(_BETWEEN_S)
        await world.end()
        broken = await world.judge(ledger)
    sends = len(history.sends) + len(history.cancels) + len(history.limited) + len(world.book.acknowledged)
    words = ", ".join(f"{name} {lasts_s:.1f} s" for name, lasts_s in plan)
    done = f"seed {seed} on {engine}: {words}; {sends} sends, {len(history.log)} events"
    return Outcome(broken, done)


class _World:
    """The clients of a run."""

    def __init__(
        self, stacks: list[Stack], folder: Path, sink: WebhookSink, history: History, chance: random.Random
    ) -> None:
        self._stacks = stacks
        self._sink = sink
        self._history = history
        self._chance = chance
        self.book = ClientBook(folder / "client")
        self._senders = Senders(stacks[0], self.book)
        self._readers = Readers(stacks[0])
        self._stopping = asyncio.Event()
        self._writing: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []
        self._clients: list[actors.Client] = []
        self._seen: dict[str, list[str]] = {"list by JSON": [], "list by gRPC": []}

    async def begin(self) -> None:
        """Starts everyone."""
        first, last = self._stacks[0], self._stacks[-1]
        history, stopping = self._history, self._stopping
        await self._readers.start()
        mine, domain = first.api_key, first.domain
        limited = first.orgs["limited"]
        writing: list[Coroutine[Any, Any, None]] = [
            actors.send_without_keys(self._client(first, mine), domain, history, stopping),
            actors.send_without_keys(self._client(last, mine), domain, history, stopping),
            *(
                actors.cancel_at_the_edge(self._client(stack, mine), domain, history, stopping, self._chance)
                for stack in (first, last, first, last)
            ),
            actors.move_webhooks(self._client(last, mine), self._sink.url, EVENT_TYPES, history, stopping),
            *(
                actors.race_for_the_limit(self._client(stack, limited.api_key), limited.domain, history)
                for stack in (first, last, first, last)
            ),
        ]
        self._writing = [asyncio.create_task(actor) for actor in writing]
        self._reading = [
            asyncio.create_task(actors.read_by_list(self._client(last, mine), self._seen["list by JSON"])),
            asyncio.create_task(actors.read_by_grpc(last, mine, self._seen["list by gRPC"])),
        ]
        self._senders.start()

    async def end(self) -> None:
        """Waits until everyone has an answer, all mail is out, and every reader has read it all."""
        self._stopping.set()
        await asyncio.gather(self._senders.stop(), *self._writing)
        try:
            await until(self._is_calm, within=_CALM_WITHIN_S)
        except AssertionError:
            # The checker says what is missing.
            print(*(stack.log_tails() for stack in self._stacks))
        history = self._history
        client = self._client(self._stacks[-1], self._stacks[0].api_key)
        log: list[str] = []
        cursor, has_more = "", True
        while has_more:
            page = await client.insist("GET", f"/v1/events?limit=100{cursor and f'&after={cursor}'}")
            log += [event["id"] for event in page["data"]]
            history.types |= {event["id"]: event["type"] for event in page["data"]}
            cursor, has_more = page["next_cursor"], page["has_more"]
        history.log = [id for id in log if history.types[id] in EVENT_TYPES]
        known = set(history.log)
        streamed = {"stream": self._readers.streamed(), **self._seen}
        # Cancelled and scheduled ones are read too; the webhook does not ask for them.
        history.readings = {
            name: [id for id in seen if id in known or id not in history.types]
            for name, seen in streamed.items()
        }
        totals = (await client.insist("GET", "/v1/emails/stats"))["totals"]
        history.counted = {name: totals[name] for name in ("delivered", "bounced")}

    async def judge(self, ledger: Path) -> list[str]:
        """Ends everyone, and says what was broken."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        await self._readers.stop()
        for client in self._clients:
            await client.close()
        stored, flagged = read_server(self._stacks[0].database_url)
        history = self._history
        marks = {row.email_id: row.ledger_id for row in stored}
        history.flagged = frozenset(marks[id] for id in flagged if id in marks)
        taken = read_sink(ledger)
        history.taken = [one.ledger_id for one in taken]
        history.webhook = self._readers.called()
        history.called = [Called(call.path, call.headers["webhook-id"], call.at) for call in self._sink.calls]
        report = compare(
            self.book,
            [one for one in taken if one.ledger_id in self.book.submitted],
            [row for row in stored if row.ledger_id in self.book.submitted],
            flagged,
            [],
        )
        mistakes = [] if report.is_clean else [f"sends with keys:\n{report}"]
        return [*mistakes, *violations(history)]

    def _client(self, stack: Stack, api_key: str) -> actors.Client:
        client = actors.Client(stack, api_key)
        self._clients.append(client)
        return client

    async def _is_calm(self) -> bool:
        stored, _ = read_server(self._stacks[0].database_url)
        if any(row.queued and not row.recipient.startswith("451-") for row in stored):
            return False
        log = set(self._readers.log())
        return all(log <= set(seen) for seen in self._seen.values()) and not self._readers.behind()


@asynccontextmanager
async def _running(
    folder: Path, database_url: str | None
) -> AsyncIterator[tuple[list[Stack], Scene, Path, WebhookSink]]:
    ledger = folder / "sink"
    env = {
        "ZIDIMAIL_LEASE_SECONDS": str(LEASE_S),
        "ZIDIMAIL_UNCERTAIN_DELAY_SECONDS": "1",
        **NEVER_PAUSED,
    }
    async with AsyncExitStack() as exits:
        port = exits.enter_context(sink_process(ledger))
        sink = await exits.enter_async_context(WebhookSink())
        network, url = None, database_url
        if database_url is not None:
            network, url = exits.enter_context(network_to(database_url))
        first = Stack(
            folder / "first",
            transport=f"smtp://127.0.0.1:{port}",
            database_url=url,
            env=env,
            kinds=KINDS,
        )
        stacks: list[Stack] = [first]
        try:
            await asyncio.to_thread(first.start)
            clock = None
            if database_url is not None:
                second = Replica(first, folder / "second")
                second.data_dir.mkdir()
                clock = WrongClock(second.data_dir, 0)
                second.env |= env | clock.env | {"ZIDIMAIL_DATABASE_URL": database_url}
                stacks.append(second)
                await asyncio.to_thread(second.start)
            yield stacks, Scene(first, database_url or first.database_url, network, clock), ledger, sink
        finally:
            for stack in stacks:
                await asyncio.to_thread(stack.stop)

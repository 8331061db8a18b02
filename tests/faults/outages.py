"""Outages of the database under load: it crashes and restarts, or moves to another address.

The programs of the stack live on. Clients send over REST and gRPC all the while.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tests.faults.clients import NEVER_PAUSED, Senders
from tests.faults.crash import sink_process
from tests.faults.draining import make_uncertain_due
from tests.harness.cluster import running_node, url_at
from tests.harness.forwarder import Forwarder
from tests.harness.ledger import ClientBook, Report, compare, read_server, read_sink, store
from tests.harness.stack import Stack
from tests.harness.waiting import until

# Everything acknowledged is delivered within this time after the database is back.
DELIVERED_WITHIN_S = 60.0
LONGEST_LIFE_S = 1.0
LONGEST_OUTAGE_S = 1.5
# Sends that are acknowledged between two outages.
BETWEEN = 20


_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(slots=True)
class Outcome:
    """The ledger's report after outages, the clients' retries, and the tracebacks in the server's log."""

    report: Report
    retries: Counter[str]
    tracebacks: list[str]
    left: list[str]

    @property
    def is_clean(self) -> bool:
        """True if every acknowledged email was delivered in time, once."""
        return self.report.is_clean and not self.report.duplicates and not self.left and not self.tracebacks

    def __str__(self) -> str:
        retries = ", ".join(f"{what} {count}" for what, count in sorted(self.retries.items()))
        lines = {
            "retries of the clients": retries or "none",
            "tracebacks in the log": "\n".join(self.tracebacks[:3]) or "none",
            "not delivered in time": f"{len(self.left)} {self.left[:5]}",
        }
        return f"{self.report}\n" + "\n".join(f"{name + ':':33}{value}" for name, value in lines.items())


@dataclass(slots=True)
class _Load:
    stack: Stack
    book: ClientBook
    senders: Senders
    sink_ledger: Path

    async def more_acknowledged(self) -> None:
        """Waits until the clients are served again."""
        before = len(self.book.acknowledged)

        def served() -> bool:
            self.senders.check()
            return len(self.book.acknowledged) >= before + BETWEEN

        await until(served, within=DELIVERED_WITHIN_S, message=self.stack.log_tails)

    async def outcome(self) -> Outcome:
        """Stops the clients and compares, after the time in which all must be delivered."""
        began = time.monotonic()
        await self.senders.stop()
        left: list[str] = []

        def delivered() -> bool:
            left[:] = _queued(self.stack.database_url)
            return not left

        try:
            await until(delivered, within=DELIVERED_WITHIN_S)
        except AssertionError:
            print(self.stack.log_tails())
        drained = time.monotonic() - began
        await asyncio.to_thread(self.stack.stop)
        stored, flagged = read_server(self.stack.database_url)
        report = compare(self.book, read_sink(self.sink_ledger), stored, flagged, [])
        report.drain_s = drained
        log = (self.stack.data_dir / "logs" / "server.log").read_text().splitlines()
        tracebacks = [line for line in log if "Traceback" in line]
        return Outcome(report, self.senders.retries, tracebacks, left)


async def restarts(folder: Path, times: int) -> Outcome:
    """Crashes the database a number of times and starts it again."""
    with running_node() as (node, _):
        async with _load(folder, node.url) as load:
            for _ in range(times):
                await load.more_acknowledged()
                await _outage(lambda: node.stop("immediate"), node.start)
            await load.more_acknowledged()
            return await load.outcome()


async def terminations(folder: Path, times: int) -> Outcome:
    """Ends every connection to the database a number of times, as an operator or a pooler may.

    Leases last longer than the test waits: it would see mail that no process has.
    """
    with running_node() as (node, _):
        async with _load(folder, node.url, lease_s=600) as load:
            for _ in range(times):
                await load.more_acknowledged()
                await asyncio.to_thread(node.execute, _TERMINATE)
            await load.more_acknowledged()
            return await load.outcome()


async def fail_over(folder: Path) -> Outcome:
    """Crashes the database for good; its standby takes over, and the address leads there."""
    with running_node() as (first, nodes), Forwarder(first.port) as address:
        second = await asyncio.to_thread(first.standby, nodes / "second")
        async with _load(folder, url_at(address.port)) as load:
            await load.more_acknowledged()

            def take_over() -> None:
                # First the address, as some set-ups do: for a moment it leads to a standby.
                address.lead_to(second.port)
                time.sleep(random.uniform(0.2, LONGEST_OUTAGE_S))
                second.promote()

            await _outage(lambda: first.stop("immediate"), take_over)
            await load.more_acknowledged()
            return await load.outcome()


async def paused_worker(folder: Path, pause_s: float, *, lease_s: int = 60) -> Outcome:
    """Stops one of two processes that deliver for longer than its leases, and lets it go on."""
    with running_node() as (node, _):
        async with _load(folder, node.url, lease_s=lease_s) as load:
            worker = await asyncio.to_thread(load.stack.start_worker)
            await load.more_acknowledged()
            worker.send_signal(signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            worker.send_signal(signal.SIGCONT)
            await load.more_acknowledged()
            await load.senders.stop()
            make_uncertain_due(node.url)
            return await load.outcome()


async def _outage(begin: Callable[[], None], end: Callable[[], None]) -> None:
    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))
    await asyncio.to_thread(begin)
    await asyncio.sleep(random.uniform(0, LONGEST_OUTAGE_S))
    await asyncio.to_thread(end)


@asynccontextmanager
async def _load(folder: Path, database_url: str, *, lease_s: int = 60) -> AsyncIterator[_Load]:
    book, ledger = ClientBook(folder / "client"), folder / "sink"
    with sink_process(ledger) as port:
        stack = Stack(
            folder / "data",
            transport=f"smtp://127.0.0.1:{port}",
            database_url=database_url,
            env={"ZIDIMAIL_LEASE_SECONDS": str(lease_s), **NEVER_PAUSED},
        )
        await asyncio.to_thread(stack.start)
        senders = Senders(stack, book, count=16, only_away=True)
        try:
            senders.start()
            yield _Load(stack, book, senders, ledger)
        finally:
            await asyncio.to_thread(stack.stop)


def _queued(database_url: str) -> list[str]:
    """The recipients in the queue that no receiver asked us to try later."""
    with store(database_url) as connection:
        rows = connection.execute(
            text(
                "SELECT q.email_id, r.address, q.attempts, q.lease_owner FROM delivery_queue q"
                " JOIN recipients r ON r.org_id = q.org_id AND r.email_id = q.email_id AND r.no = q.no"
                " WHERE r.address NOT LIKE '451-%'"
            )
        )
        return [" ".join(map(str, row)) for row in rows]

"""A crash run: clients send, the server is killed round after round, then the books are balanced."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from tests.faults.clients import Senders
from tests.harness.ledger import ClientBook, Kill, Report, compare, read_server, read_sink, store
from tests.harness.stack import ROOT, Stack
from tests.harness.waiting import until

FAILPOINTS = (
    "accept.before_commit",
    "accept.after_commit",
    "engine.after_claim",
    "smtp.after_mail",
    "smtp.before_dot",
    "smtp.after_dot",
    "engine.after_reply",
    "engine.before_complete",
)
# Between the receiver's 250 and our record of it a kill may cause a second copy (RFC 1047); nowhere else.
DOT_WINDOWS = frozenset({"smtp.after_dot", "engine.after_reply", "random"})
RANDOM = "random"
EDGE = "edge"

HIT_WITHIN_S = 15.0
LATEST_HIT = 12
LONGEST_LIFE_S = 0.6
DRAIN_WITHIN_S = 90.0
# Short, so that what a dead server had claimed is taken up again within the run.
LEASE_S = 3
# Short, so that the second copies that a kill in the dot windows may cause come within the run.
UNCERTAIN_DELAY_S = 1
# A recipient that is due within this time counts as due: its lease, or its first delay, is about to end.
SOON_MS = 10_000


@dataclass(slots=True)
class Outcome:
    """What a run found: the books, which failpoints were reached, and how often what was killed."""

    report: Report
    reached: set[str]
    kills: Counter[str]
    retries: Counter[str]
    missed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{window} {count}" for window, count in sorted(self.kills.items()))
        retries = ", ".join(f"{what} {count}" for what, count in sorted(self.retries.items()))
        return f"{self.report}\n{'kills:':33}{kills}\n{'retries of the clients:':33}{retries or 'none'}"


class CrashRun:
    """One stack, one sink and a number of clients, and the deaths between them."""

    def __init__(self, folder: Path, *, database_url: str | None = None, failpoints: str = "") -> None:
        self._folder = folder
        self._database_url = database_url
        self._always = failpoints
        self._reached = folder / "failpoints"
        self._sink_ledger = folder / "sink"
        self._kills: list[Kill] = []
        self._missed: list[str] = []

    async def run(self, windows: Sequence[str]) -> Outcome:
        """Dies once in each window, in order, then waits for the queue to drain and compares."""
        folder = self._folder
        book = ClientBook(folder / "client")
        with _sink_process(self._sink_ledger) as port:
            stack = Stack(
                folder / "data",
                transport=f"smtp://127.0.0.1:{port}",
                database_url=self._database_url,
                env={
                    "ZIDIMAIL_LEASE_SECONDS": str(LEASE_S),
                    "ZIDIMAIL_UNCERTAIN_DELAY_SECONDS": str(UNCERTAIN_DELAY_S),
                    "ZIDIMAIL_FAILPOINTS_LOG": str(self._reached),
                },
            )
            await asyncio.to_thread(stack.start)
            try:
                senders = Senders(stack, book)
                senders.start()
                for window in windows:
                    await self._round(stack, window)
                    senders.check()
                ended = time.monotonic()
                await asyncio.to_thread(stack.start_server)
                await senders.stop()
                await self._drain(stack)
                drained = time.monotonic() - ended
            finally:
                await asyncio.to_thread(stack.stop)
            stored, flagged = read_server(stack.database_url)
        report = compare(book, read_sink(self._sink_ledger), stored, flagged, self._kills)
        report.drain_s = drained
        reached = set(self._reached.read_text().split()) if self._reached.exists() else set()
        return Outcome(
            report, reached, Counter(kill.window for kill in self._kills), senders.retries, self._missed
        )

    async def _round(self, stack: Stack, window: str) -> None:
        """One death: of the edge while the server runs, or of the server, by the failpoint or at random."""
        if window == EDGE:
            if not stack.server_is_running():
                await asyncio.to_thread(stack.start_server, self._env())
            await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))
            await asyncio.to_thread(stack.kill_edge)
            self._note(window)
            await asyncio.to_thread(stack.start_edge)
            return
        if stack.server_is_running() and window != RANDOM:
            await asyncio.to_thread(stack.kill_server)
            self._note(RANDOM)
        if window == RANDOM:
            if not stack.server_is_running():
                # Now and then a server dies while it starts, too.
                await asyncio.to_thread(stack.start_server, self._env(), wait=random.random() < 0.7)
            await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))
            await asyncio.to_thread(stack.kill_server)
            self._note(window)
            return
        env = self._env(f"{window}=kill@{random.randint(1, LATEST_HIT)}")
        await asyncio.to_thread(stack.start_server, env, wait=False)
        try:
            await asyncio.to_thread(stack.wait_server, HIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._missed.append(window)
            await asyncio.to_thread(stack.kill_server)
        self._note(window)

    def _env(self, failpoint: str = "") -> dict[str, str]:
        points = ",".join(part for part in (self._always, failpoint) if part)
        return {"ZIDIMAIL_FAILPOINTS": points} if points else {}

    def _note(self, window: str) -> None:
        self._kills.append(Kill(time.time_ns() // 1_000_000, window))

    async def _drain(self, stack: Stack) -> None:
        """Waits until nothing is left that can be delivered now, the uncertain ones included."""
        waiting: list[str] = []

        def settled() -> bool:
            waiting[:] = _due_now(stack.database_url)
            return not waiting

        await until(
            settled,
            within=DRAIN_WITHIN_S,
            message=lambda: (
                f"{len(waiting)} recipients were not delivered: {waiting[:5]}\n{stack.log_tails()}"
            ),
        )


def _due_now(database_url: str) -> list[str]:
    """The queued recipients that wait for nothing but the engine."""
    soon = time.time_ns() // 1_000_000 + SOON_MS
    with store(database_url) as connection:
        rows = connection.execute(
            text(
                "SELECT q.email_id, r.address FROM outq q"
                " JOIN recipients r ON r.org_id = q.org_id AND r.email_id = q.email_id AND r.no = q.no"
                " WHERE q.due_at <= :soon"
            ),
            {"soon": soon},
        )
        return [f"{email_id} {address}" for email_id, address in rows]


@contextmanager
def _sink_process(ledger: Path) -> Iterator[int]:
    """A sink in a process of its own, which outlives every kill; yields its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.smtp_sink", "--ledger", str(ledger)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield int(process.stdout.readline().rpartition(" ")[2])
        finally:
            process.kill()
            process.wait()


def plan(rounds: int) -> Iterator[str]:
    """`rounds` windows: every failpoint in turn, between them random kills and some of the edge."""
    for number in range(rounds):
        point = FAILPOINTS[number // 2 % len(FAILPOINTS)]
        yield (point if number % 2 == 0 else EDGE if number % 10 == 9 else RANDOM)

"""A crash run: clients send, the server is killed once a round, then the ledger is checked."""

import asyncio
import itertools
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.clients import NEVER_PAUSED, Senders
from tests.faults.draining import DRAIN_WITHIN_S, drain
from tests.faults.readers import Readers
from tests.harness.ledger import ClientBook, Kill, Report, compare, read_server, read_sink
from tests.harness.stack import ROOT, Stack
from tests.harness.waiting import until, until_sync

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
RANDOM = "random"
EDGE = "edge"  # the edge is killed, the server lives
STOP = "stop"  # SIGTERM: in good order
PAUSE = "pause"  # the server stands still for longer than its leases, and goes on
ANSWERED = "answered"  # the server is killed right after it acknowledged a send

HIT_WITHIN_S = 60.0
LATEST_HIT = 12
LONGEST_LIFE_S = 0.6
ANSWERS_WITHIN_S = 60.0
# Short, so that what a dead server had claimed is taken up again within the run.
LEASE_S = 3


@dataclass(slots=True)
class Outcome:
    """The result of a run: the ledger's report, the failpoints reached, and the count of kills by window."""

    report: Report
    reached: set[str]
    kills: Counter[str]
    retries: Counter[str]
    missed: list[str] = field(default_factory=list)
    # Events that a reader of the log did not see, or saw more than once or out of order.
    unread: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """True if every promise was kept, and every failpoint reached."""
        return self.report.is_clean and not self.missed and not self.unread

    def __str__(self) -> str:
        kills = ", ".join(f"{window} {count}" for window, count in sorted(self.kills.items()))
        retries = ", ".join(f"{what} {count}" for what, count in sorted(self.retries.items()))
        lines = {
            "mistakes of the log's readers": ", ".join(self.unread[:5]) or "0",
            "kills": kills,
            "retries of the clients": retries or "none",
            "failpoints never reached": ", ".join(self.missed) or "none",
        }
        return f"{self.report}\n" + "\n".join(f"{name + ':':33}{value}" for name, value in lines.items())


class CrashRun:
    """One stack, one sink and a number of clients, and the deaths between them."""

    def __init__(self, folder: Path, *, database_url: str | None = None, failpoints: str = "") -> None:
        self._folder = folder
        self._database_url = database_url
        self._always = failpoints
        self._reached = folder / "failpoints"
        self._sink_ledger = folder / "sink"
        self._book = ClientBook(folder / "client")
        self._kills: list[Kill] = []
        self._missed: list[str] = []

    async def run(self, windows: Sequence[str]) -> Outcome:
        """Dies once in each window, in order, then waits for the queue to drain and compares."""
        folder = self._folder
        book = self._book
        with sink_process(self._sink_ledger) as port:
            stack = Stack(
                folder / "data",
                transport=f"smtp://127.0.0.1:{port}",
                database_url=self._database_url,
                env={
                    "ZIDIMAIL_LEASE_SECONDS": str(LEASE_S),
                    **NEVER_PAUSED,
                    "ZIDIMAIL_FAILPOINTS_LOG": str(self._reached),
                    **self._env(),
                },
            )
            await asyncio.to_thread(stack.start)
            senders, readers = Senders(stack, book), Readers(stack)
            try:
                await readers.start()
                senders.start()
                for window in windows:
                    await asyncio.to_thread(self._round, stack, window)
                    senders.check()
                ended = time.monotonic()
                # The loss has happened: a server without that fault delivers the rest.
                stack.env.pop("ZIDIMAIL_FAILPOINTS", None)
                if not stack.server_is_running():
                    await asyncio.to_thread(stack.start_server)
                await senders.stop()
                await drain(stack)
                drained = time.monotonic() - ended
                # With a fault of its own the server never writes what readers wait for: its ledger tells.
                unread = [] if self._always else await self._read_to_the_end(stack, readers)
            finally:
                await readers.stop()
                await asyncio.to_thread(stack.stop)
            stored, flagged = read_server(stack.database_url)
        report = compare(book, read_sink(self._sink_ledger), stored, flagged, self._kills)
        report.drain_s = drained
        reached = set(self._reached.read_text().split()) if self._reached.exists() else set()
        kills = Counter(kill.window for kill in self._kills)
        return Outcome(report, reached, kills, senders.retries, self._missed, unread)

    def _round(self, stack: Stack, window: str) -> None:
        """One death, or what comes close to it."""
        if window in FAILPOINTS:
            self._die_at(stack, window)
            return
        if not stack.server_is_running():
            # Now and then a server dies while it starts, too.
            stack.start_server(self._env(), wait=window != RANDOM or random.random() < 0.7)
        if window != ANSWERED:
            time.sleep(random.uniform(0, LONGEST_LIFE_S))
        match window:
            case "answered":
                answered = len(self._book.acknowledged)
                until_sync(lambda: len(self._book.acknowledged) > answered, within=ANSWERS_WITHIN_S)
                stack.kill_server()
            case "random":
                stack.kill_server()
            case "edge":
                stack.kill_edge()
                stack.start_edge()
            case "stop":
                assert stack.stop_server() == 0, stack.log_tails()
            case "pause":
                stack.signal_server(signal.SIGSTOP)
                time.sleep(LEASE_S * 1.3)
                stack.signal_server(signal.SIGCONT)
        self._note(window)

    def _die_at(self, stack: Stack, failpoint: str) -> None:
        """A life of the server that ends at a failpoint."""
        if stack.server_is_running():
            stack.kill_server()
            self._note(RANDOM)
        stack.start_server(self._env(f"{failpoint}=kill@{random.randint(1, LATEST_HIT)}"), wait=False)
        try:
            stack.wait_server(HIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._missed.append(failpoint)
            stack.kill_server()
        self._note(failpoint)

    def _env(self, failpoint: str = "") -> dict[str, str]:
        points = ",".join(part for part in (self._always, failpoint) if part)
        return {"ZIDIMAIL_FAILPOINTS": points} if points else {}

    def _note(self, window: str) -> None:
        self._kills.append(Kill(time.time_ns() // 1_000_000, window))

    async def _read_to_the_end(self, stack: Stack, readers: Readers) -> list[str]:
        """Waits until the readers have seen the whole log; what they never see, and what they got wrong."""
        try:
            await until(lambda: not readers.behind(), within=DRAIN_WITHIN_S)
        except AssertionError:
            return readers.behind()
        return readers.mistakes()


@contextmanager
def sink_process(ledger: Path) -> Iterator[int]:
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
    """`rounds` windows: every failpoint in turn, between them deaths at random and other troubles."""
    between = itertools.cycle([RANDOM, RANDOM, EDGE, RANDOM, RANDOM, STOP, RANDOM, RANDOM, RANDOM, PAUSE])
    points = itertools.cycle(FAILPOINTS)
    for number in range(rounds):
        yield next(between if number % 2 else points)

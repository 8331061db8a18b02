"""Group commit: the writes of concurrent callers share transactions, each caller gets its own outcome."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from server import failpoints
from server.db import bounds
from server.db.bounds import Bounds
from server.db.connections import Connections
from server.db.database import Database
from server.db.outage import StoreAway
from server.db.submissions import (
    Act,
    CallersLeft,
    Items,
    Results,
    Submission,
    Written,
    fail,
    may_succeed_next,
    run_acts,
    settle,
)
from server.db.tx import Tx
from server.faults import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

_SQLITE_WRITERS = 1
_POSTGRESQL_WRITERS = 4
# The most items in one transaction, to bound how long the first of them waits for the last.
MAX_GROUP = 512
# More waiting items than this would wait longer than their callers do: better refused at once.
MAX_WAITING = 20_000
_RETRY_AFTER_S = 1.0
_ATTEMPTS = 5
# Seconds after its first failure in which a submission is repeated.
_REPEAT_S = 15.0
# A transaction that took longer, in seconds, looks for callers who left meanwhile. Not each one does, as who
# sends and leaves at once would keep others from being served.
_LATE_S = 1.0


class Writer:
    """The only way to write to the store while the server runs (group commit).

    `submit` queues items for an act. A transaction takes all queued items: each act gets its items together,
    and returns a result for each of them, in order. The callers get their results after the commit.

    A `Fault` as a result refuses one item, which has changed nothing. An exception rolls back the
    transaction, and each submission is repeated in a transaction of its own, so that no caller gets the
    error of another one; so is a transaction that the database ended, for a while. One whose commit had no
    answer is looked up, and is not repeated if nobody can tell its outcome (contract row C-94).

    A submission whose caller is gone is dropped (C-94).
    """

    def __init__(
        self, database: Database, *, max_waiting: int = MAX_WAITING, limits: Bounds | None = None
    ) -> None:
        self._connections = Connections(
            database.url,
            database.availability,
            read_only=False,
            limits=limits,
            watchdog=database.watchdog,
        )
        self.concurrency = _SQLITE_WRITERS if database.is_sqlite else _POSTGRESQL_WRITERS
        self._threads = ThreadPoolExecutor(self.concurrency, "store-writer")
        self._waiting: deque[Submission] = deque()
        self._waiting_items = 0
        self._max_waiting = max_waiting
        self._wake = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def waiting(self) -> int:
        """The number of items that wait for a transaction."""
        return self._waiting_items

    def start(self) -> None:
        """Begins to write."""
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(self.concurrency)]

    async def close(self) -> None:
        """Writes what waits, then stops. Later submissions are refused."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._lanes)
        self._threads.shutdown()
        self._connections.close()

    async def submit(self, act: Callable[[Tx, list[T]], Sequence[R]], items: Sequence[T]) -> Sequence[R]:
        """The act's answer for each item, after a durable commit.

        Raises `Unavailable` when too much waits already or when the writer is closed, `StoreAway` in an
        outage. Nothing was written then, but after its subclass `CommitUnknown` everything may have been.
        """
        return await self._enqueue(act, list(items), alone=False)

    async def run(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `fn(tx, ...)` in a transaction of its own; its result, after the commit.

        A fault that it raises rolls its transaction back and is raised here.
        """
        results: Sequence[R] = await self._enqueue(_act_of(fn, *args, **kwargs), [None], alone=True)
        return results[0]

    async def run_next(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `run`, before everything that waits, however much that is."""
        act = _act_of(fn, *args, **kwargs)
        submission = Submission(act, [None], alone=True, outcome=asyncio.get_running_loop().create_future())
        if self._closing:
            raise Unavailable(_RETRY_AFTER_S)
        self._put_first([submission])
        results: Sequence[R] = await submission.outcome
        return results[0]

    async def _enqueue(self, act: Act, items: Items, *, alone: bool) -> Results:
        if not items:
            return []
        if self._closing or self._waiting_items + len(items) > self._max_waiting:
            raise Unavailable(_RETRY_AFTER_S)
        submission = Submission(act, items, alone, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._waiting_items += len(items)
        self._wake.set()
        return await submission.outcome

    def _put_first(self, submissions: Sequence[Submission]) -> None:
        self._waiting.extendleft(reversed(submissions))
        self._waiting_items += sum(len(submission.items) for submission in submissions)
        self._wake.set()

    async def _lane(self) -> None:
        while True:
            await self._wake.wait()
            group = self._take()
            if group:
                await self._write(group)
            elif self._closing:
                return
            else:
                self._wake.clear()

    def _take(self) -> list[Submission]:
        group: list[Submission] = []
        size = 0
        while self._waiting and (not group or size + len(self._waiting[0].items) <= MAX_GROUP):
            if self._waiting[0].alone and group:
                break
            submission = self._waiting.popleft()
            self._waiting_items -= len(submission.items)
            if not submission.is_wanted:
                continue
            group.append(submission)
            size += len(submission.items)
            if submission.alone:
                break
        return group

    async def _write(self, group: list[Submission]) -> None:
        try:
            written = await self._transact(group)
        except CallersLeft:
            self._put_first(group)
        except Exception as error:
            self._repeat_or_fail(group, error)
        else:
            settle(written)

    def _repeat_or_fail(self, group: list[Submission], error: Exception) -> None:
        """Repeats the submissions of a transaction that was rolled back, each alone, if that can help."""
        now = time.monotonic()
        may_repeat = may_succeed_next(error)
        if not may_repeat and (len(group) == 1 or (isinstance(error, StoreAway) and error.is_lost)):
            fail(group, error)
            return
        is_slow = isinstance(error, StoreAway) and not error.is_lost
        again = []
        for submission in group:
            submission.alone = True
            # Each wait for a lock takes its time; what fails at once is not tried for that long.
            submission.attempts += not is_slow
            submission.repeat_until = min(submission.repeat_until, now + _REPEAT_S)
            if submission.attempts < _ATTEMPTS and now < submission.repeat_until:
                again.append(submission)
            else:
                fail([submission], error)
        self._put_first(again)

    async def _transact(self, group: list[Submission]) -> list[Written]:
        loop = asyncio.get_running_loop()

        def write() -> list[Written]:
            began = time.monotonic()
            with self._connections.transaction() as tx:
                # The store may have kept it waiting until now.
                wanted = [submission for submission in group if submission.is_wanted]
                written = run_acts(tx, wanted)
                tx.run_deferred()
                is_late = time.monotonic() - began > _LATE_S
                if is_late and not all(submission.is_wanted for submission in wanted):
                    raise CallersLeft
                if failpoints.enabled("writer.ack_before_commit"):
                    loop.call_soon_threadsafe(settle, written)
                    # A sleep here lets the answers leave, and a kill come before the commit.
                    failpoints.hit("writer.ack_before_commit")
                return written

        return await loop.run_in_executor(self._threads, write)


def _act_of(fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> Act:
    """The act with one result, that of `fn(tx, ...)`."""
    return lambda tx, _items: [fn(tx, *args, **kwargs)]


@contextlib.asynccontextmanager
async def running_writer(url: str) -> AsyncIterator[Writer]:
    """A writer of the store at `url` for commands, which run beside no server; closed with the block."""
    database = Database(url)
    writer = Writer(database, limits=bounds.COMMANDING)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()
        await database.close()

"""Group commit: the writes of concurrent callers share transactions, each caller gets its own outcome."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy.exc import DBAPIError

from server import failpoints
from server.db.connections import Connections
from server.db.database import Database
from server.db.outage import StoreAway
from server.db.tx import Tx
from server.faults import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
# Submissions of different acts share a transaction, so their items and results have no common type here;
# `Writer.submit` and `Writer.run` give them back to each caller as they came.
Items: TypeAlias = list[Any]
Results: TypeAlias = Sequence[Any]
Act: TypeAlias = Callable[[Tx, Items], Results]

_SQLITE_WRITERS = 1
_POSTGRESQL_WRITERS = 4
# The most items in one transaction, to bound how long the first of them waits for the last.
MAX_GROUP = 512
# More waiting items than this would wait longer than their callers do: better refused at once.
MAX_WAITING = 20_000
_RETRY_AFTER_S = 1.0
_ATTEMPTS = 5


@dataclass(eq=False, slots=True)
class _Submission:
    act: Act
    items: Items
    alone: bool
    outcome: "asyncio.Future[Results]" = field(repr=False)


class Writer:
    """The only way to write to the store while the server runs (group commit).

    `submit` queues items for an act. A transaction takes all queued items: each act gets its items together,
    and returns a result for each of them, in order. The callers get their results after the commit.

    A `Fault` as a result refuses one item, which has changed nothing. An exception rolls back the
    transaction, and each submission is repeated in a transaction of its own, so that no caller gets the
    error of another one. When the store is lost nothing is repeated: a commit may have taken effect although
    its answer never came.
    """

    def __init__(self, database: Database, *, max_waiting: int = MAX_WAITING) -> None:
        self._connections = Connections(database.url, database.availability, read_only=False)
        self.concurrency = _SQLITE_WRITERS if database.is_sqlite else _POSTGRESQL_WRITERS
        self._threads = ThreadPoolExecutor(self.concurrency, "store-writer")
        self._waiting: deque[_Submission] = deque()
        self._waiting_items = 0
        self._max_waiting = max_waiting
        self._wake = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._closing = False

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

        def act(tx: Tx, _items: list[None]) -> list[R]:
            return [fn(tx, *args, **kwargs)]

        results: Sequence[R] = await self._enqueue(act, [None], alone=True)
        return results[0]

    async def _enqueue(self, act: Act, items: Items, *, alone: bool) -> Results:
        if not items:
            return []
        if self._closing or self._waiting_items + len(items) > self._max_waiting:
            raise Unavailable(_RETRY_AFTER_S)
        submission = _Submission(act, items, alone, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._waiting_items += len(items)
        self._wake.set()
        return await submission.outcome

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

    def _take(self) -> list[_Submission]:
        group: list[_Submission] = []
        size = 0
        while self._waiting and (not group or size + len(self._waiting[0].items) <= MAX_GROUP):
            if self._waiting[0].alone and group:
                break
            submission = self._waiting.popleft()
            self._waiting_items -= len(submission.items)
            group.append(submission)
            size += len(submission.items)
            if submission.alone:
                break
        return group

    async def _write(self, group: list[_Submission]) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                outcomes = await self._transact(group)
            except Exception as error:
                if isinstance(error, StoreAway) and error.is_lost:
                    _fail(group, error)
                    return
                if len(group) > 1:
                    for submission in group:
                        await self._write([submission])
                    return
                if _is_conflict(error) and attempt + 1 < _ATTEMPTS:
                    continue
                _fail(group, Unavailable(_RETRY_AFTER_S) if _is_rollback(error) else error)
                return
            _settle(group, outcomes)
            return

    async def _transact(self, group: list[_Submission]) -> list[Results]:
        by_act: dict[Act, list[_Submission]] = {}
        for submission in group:
            by_act.setdefault(submission.act, []).append(submission)
        loop = asyncio.get_running_loop()

        def write() -> list[Results]:
            with self._connections.transaction() as tx:
                return run_acts(tx)

        def run_acts(tx: Tx) -> list[Results]:
            outcomes: dict[_Submission, Results] = {}
            for act, submissions in by_act.items():
                items = [item for submission in submissions for item in submission.items]
                results = act(tx, items)
                if len(results) != len(items):
                    raise AssertionError(f"{act} gave {len(results)} results for {len(items)} items")
                start = 0
                for submission in submissions:
                    outcomes[submission] = results[start : start + len(submission.items)]
                    start += len(submission.items)
            ordered = [outcomes[submission] for submission in group]
            if failpoints.enabled("writer.ack_before_commit"):
                loop.call_soon_threadsafe(_settle, group, ordered)
                # A sleep here lets the answers leave, and a kill come before the commit.
                failpoints.hit("writer.ack_before_commit")
            return ordered

        return await loop.run_in_executor(self._threads, write)


@contextlib.asynccontextmanager
async def running_writer(url: str) -> AsyncIterator[Writer]:
    """A writer of the store at `url` for commands, which run beside no server; closed with the block."""
    database = Database(url)
    writer = Writer(database)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()
        await database.close()


def _settle(group: list[_Submission], outcomes: list[Results]) -> None:
    for submission, outcome in zip(group, outcomes, strict=True):
        if not submission.outcome.done():
            submission.outcome.set_result(outcome)


def _fail(group: list[_Submission], error: Exception) -> None:
    for submission in group:
        with contextlib.suppress(asyncio.InvalidStateError):
            submission.outcome.set_exception(error)


def _is_conflict(error: Exception) -> bool:
    """True if a retry can help: for a deadlock or a race between two PostgreSQL transactions."""
    # After a unique violation (23505) the next try sees the other's row.
    return _is_rollback(error) or _state(error) == "23505"


def _is_rollback(error: Exception) -> bool:
    """True if PostgreSQL gave the transaction up for the sake of others: a deadlock for example."""
    return _state(error).startswith("40")


def _state(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(cause, "sqlstate", None) or "")

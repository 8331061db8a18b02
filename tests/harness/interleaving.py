"""Two transactions on PostgreSQL whose steps come in the order that a test gives.

Each transaction has a thread of its own, and pauses between its steps. Whether a step waits for the other
transaction is asked of PostgreSQL itself: no time is involved.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

import psycopg
from sqlalchemy import func, make_url, select

from server.db.connections import Connections
from server.db.database import Database
from server.db.tx import Tx
from tests.harness.waiting import WITHIN_S, until_sync

P = ParamSpec("P")
T = TypeVar("T")
Act = Callable[Concatenate[Tx, P], T]


class _Ended(Exception):
    """The test has ended before the transaction."""


class Transaction:
    """One of the two transactions; it is open from its first step on."""

    def __init__(self, connections: Connections, monitor: "psycopg.Connection[tuple[list[int]]]") -> None:
        self._thread = ThreadPoolExecutor(1)
        self._monitor = monitor
        self._open = connections.transaction()
        self._tx = self._thread.submit(self._open.__enter__).result(WITHIN_S)
        pid = self._thread.submit(self._tx.scalar, int, select(func.pg_backend_pid())).result(WITHIN_S)
        assert pid is not None
        self._pid = pid
        self._is_open = True

    def begin(self, act: Act[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        """Begins a step, which may wait."""
        return self._thread.submit(act, self._tx, *args, **options)

    def run(self, act: Act[P, T], *args: P.args, **options: P.kwargs) -> T:
        """The result of a step. Raises AssertionError if it waits for another transaction."""
        step = self.begin(act, *args, **options)
        assert not self.waits(step), f"{act.__name__} waits for a lock"
        return self.result(step)

    def result(self, step: "Future[T]") -> T:
        """The result of a step that waited, or its exception."""
        return step.result(WITHIN_S)

    def waits(self, step: "Future[T]") -> bool:
        """True if a step waits for a lock of another transaction, False if it ends without."""
        until_sync(lambda: step.done() or self._blockers(), message="the step neither ends nor waits")
        return not step.done()

    def commit(self) -> None:
        """Commits; what waits for this transaction goes on."""
        self._is_open = False
        self._thread.submit(self._open.__exit__, None, None, None).result(WITHIN_S)

    def end(self) -> None:
        """Rolls back if it is still open."""
        if self._is_open:
            self._thread.submit(self._roll_back)

    def join(self) -> None:
        """Waits for the end of its thread."""
        self._thread.shutdown()

    def _roll_back(self) -> None:
        with suppress(_Ended):
            self._open.__exit__(_Ended, _Ended(), None)

    def _blockers(self) -> list[int]:
        row = self._monitor.execute("SELECT pg_blocking_pids(%s)", [self._pid]).fetchone()
        assert row is not None
        return row[0]


Pair: TypeAlias = tuple[Transaction, Transaction]


@contextmanager
def two_transactions(url: str) -> Iterator[Pair]:
    """Two open transactions on the PostgreSQL store at `url`, like those of two servers."""
    database = Database(url)
    connections = Connections(database.url, database.availability, read_only=False)
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as monitor:
        pair = Transaction(connections, monitor), Transaction(connections, monitor)
        try:
            yield pair
        finally:
            for transaction in pair:
                transaction.end()
            for transaction in pair:
                transaction.join()
            connections.close()

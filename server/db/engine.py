"""Connections to the store: SQLite (embedded, the default) or PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

T = TypeVar("T")

_SQLITE_READERS = 4
_POSTGRESQL_READERS = 8
_SQLITE_WRITERS = 1
_POSTGRESQL_WRITERS = 4
_BUSY_TIMEOUT_MS = 10_000
_SQLITE_CACHE_KIB = 65_536


class Database:
    """The store behind one URL: connections to read, and connections for the `Writer` alone.

    SQLite has one writing connection in one process; readers are apart and see the last commit (WAL).
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.dialect = self._url.get_backend_name()
        self._readers = self._engine(
            _SQLITE_READERS if self.is_sqlite else _POSTGRESQL_READERS, read_only=True
        )
        self.writers = _SQLITE_WRITERS if self.is_sqlite else _POSTGRESQL_WRITERS
        self._writers = self._engine(self.writers, read_only=False)
        self._transactions = self._sync_engine(self.writers)
        self._threads = ThreadPoolExecutor(self.writers, "store-writer")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded store."""
        return self.dialect == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, in a transaction of its own: every statement sees one state."""
        async with self._readers.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction, durable when the block is left. Only the `Writer` and `bootstrap` use it."""
        async with self._writers.begin() as connection:
            yield connection

    async def transact(self, write: Callable[[Connection], T]) -> T:
        """What `write` returns, run with a write transaction in a thread of its own, after the commit.

        One hop to the thread and back for the whole transaction: a hop for each statement would cost more
        than the statements do.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, write)

    def _transact(self, write: Callable[[Connection], T]) -> T:
        with self._transactions.begin() as connection:
            return write(connection)

    async def close(self) -> None:
        """Closes every connection."""
        await self._readers.dispose()
        await self._writers.dispose()
        self._threads.shutdown()
        self._transactions.dispose()

    def _sync_engine(self, size: int) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self._url,
                pool_size=size,
                max_overflow=0,
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": 10},
            )
        engine = create_engine(
            self._url.set(drivername="sqlite"),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            connect_args={"check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_writer)
        event.listen(engine, "begin", _begin_immediate)
        return engine

    def _engine(self, size: int, *, read_only: bool) -> AsyncEngine:
        if not self.is_sqlite:
            # Repeatable read, so that a page and its count agree; writers lock rows and read committed.
            isolation = "REPEATABLE READ" if read_only else "READ COMMITTED"
            return create_async_engine(
                self._url,
                pool_size=size,
                max_overflow=0,
                pool_pre_ping=True,
                isolation_level=isolation,
                connect_args={"connect_timeout": 10},
            )
        engine = create_async_engine(
            self._url, poolclass=AsyncAdaptedQueuePool, pool_size=size, max_overflow=0
        )
        event.listen(engine.sync_engine, "connect", _prepare_reader if read_only else _prepare_writer)
        event.listen(engine.sync_engine, "begin", _begin if read_only else _begin_immediate)
        return engine


def _prepare_writer(connection: Any, _record: object) -> None:
    """WAL, and an fsync at every commit: what was acknowledged survives a power cut."""
    _prepare(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}",
    )


def _prepare_reader(connection: Any, _record: object) -> None:
    _prepare(connection, "PRAGMA query_only=ON")


def _prepare(connection: Any, *pragmas: str) -> None:
    # The driver must not begin transactions by itself: it would begin them deferred, and upgrading one
    # from read to write fails at once when another wrote meanwhile, busy timeout or not.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

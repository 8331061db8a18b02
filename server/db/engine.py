"""Connections to the store: SQLite (embedded, the default) or PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from server.db.connections import Connections
from server.db.transaction import run_inline

T = TypeVar("T")

_SQLITE_READERS = 4
_POSTGRESQL_READERS = 8
_LOOKING = 2
_SQLITE_WRITERS = 1
_POSTGRESQL_WRITERS = 4
_BUSY_TIMEOUT_MS = 10_000
# At most so much of the store is kept by the writer. With a million emails the pages that accepting touches
# outgrew 64 MiB, and its rate fell by 30 %.
_SQLITE_CACHE_KIB = 196_608
# Pages of the log before a commit moves them into the store: at SQLite's own 1,000 a busy store would
# write each of its inner pages many times a second.
_SQLITE_CHECKPOINT_PAGES = 4_000
_CONNECT_S = 10
# For readers, so that a page and its count agree; writers lock rows, and must see what others committed.
_READING = "REPEATABLE READ"
_WRITING = "READ COMMITTED"


class Database:
    """The store behind one URL: connections to read, and connections for the `Writer` alone.

    SQLite has one writing connection in one process; readers are apart and see the last commit (WAL).
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.dialect = self._url.get_backend_name()
        self.writers = _SQLITE_WRITERS if self.is_sqlite else _POSTGRESQL_WRITERS
        self._readers = self._pool()
        self._looking = self._connections(read_only=True)
        self._writing = self._connections(read_only=False)
        self._looking_threads = ThreadPoolExecutor(_LOOKING, "store-reader")
        self._writing_threads = ThreadPoolExecutor(self.writers, "store-writer")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded store."""
        return self.dialect == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, in a transaction of its own: every statement sees one state."""
        async with self._readers.begin() as connection:
            yield connection

    async def look(self, read: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """What `read` returns, run in a reading transaction in a thread, from end to end.

        For what reads all the time: `read` hops to a thread and back at each statement, this once.
        """

        def run() -> T:
            with self._looking.transaction() as transaction:
                return run_inline(read(transaction.as_connection()))

        return await asyncio.get_running_loop().run_in_executor(self._looking_threads, run)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction in the caller's thread, durable when the block is left.

        For commands that run beside no server; what serves writes through the `Writer`.
        """
        with self._writing.transaction() as transaction:
            yield transaction.as_connection()

    async def transact(self, write: Callable[[AsyncConnection], T]) -> T:
        """What `write` returns, run with a write transaction in a thread of its own, after the commit."""

        def run() -> T:
            with self._writing.transaction() as transaction:
                return write(transaction.as_connection())

        return await asyncio.get_running_loop().run_in_executor(self._writing_threads, run)

    async def close(self) -> None:
        """Closes every connection."""
        await self._readers.dispose()
        self._looking_threads.shutdown()
        self._looking.close()
        self._writing_threads.shutdown()
        self._writing.close()

    def _connections(self, *, read_only: bool) -> Connections:
        if not self.is_sqlite:
            engine = create_engine(
                self._url,
                poolclass=NullPool,
                isolation_level=_READING if read_only else _WRITING,
                connect_args={"connect_timeout": _CONNECT_S},
            )
            return Connections(engine, begin="")
        engine = create_engine(
            self._url.set(drivername="sqlite"), poolclass=NullPool, connect_args={"check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
        return Connections(engine, begin="BEGIN" if read_only else "BEGIN IMMEDIATE")

    def _pool(self) -> AsyncEngine:
        if not self.is_sqlite:
            return create_async_engine(
                self._url,
                pool_size=_POSTGRESQL_READERS,
                max_overflow=0,
                pool_pre_ping=True,
                isolation_level=_READING,
                connect_args={"connect_timeout": _CONNECT_S},
            )
        engine = create_async_engine(
            self._url, poolclass=AsyncAdaptedQueuePool, pool_size=_SQLITE_READERS, max_overflow=0
        )
        event.listen(engine.sync_engine, "connect", _prepare_reader)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine


def _prepare_writer(connection: Any, _record: object) -> None:
    """WAL, and an fsync at every commit: what was acknowledged survives a power cut."""
    _prepare(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}",
        f"PRAGMA wal_autocheckpoint={_SQLITE_CHECKPOINT_PAGES}",
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

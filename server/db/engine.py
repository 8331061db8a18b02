"""Connections to the store: SQLite (embedded, the default) or PostgreSQL."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from server.db.transaction import Transaction

T = TypeVar("T")

_SQLITE_READERS = 4
_POSTGRESQL_READERS = 8
_SQLITE_WRITERS = 1
_POSTGRESQL_WRITERS = 4
_BUSY_TIMEOUT_MS = 10_000
_SQLITE_CACHE_KIB = 65_536
# Pages of the log before a commit moves them into the store: at SQLite's own 1,000 a busy store would
# write each of its inner pages many times a second.
_SQLITE_CHECKPOINT_PAGES = 4_000
_CONNECT_S = 10
# A connection that was used so lately is believed to be alive.
_TRUSTED_S = 1.0


class Database:
    """The store behind one URL: connections to read, and connections for the `Writer` alone.

    SQLite has one writing connection in one process; readers are apart and see the last commit (WAL).
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.dialect = self._url.get_backend_name()
        self.writers = _SQLITE_WRITERS if self.is_sqlite else _POSTGRESQL_WRITERS
        self._readers = self._reading()
        self._writing = self._writing_engine()
        # Those that no transaction uses now, each with the time at which it became idle.
        self._idle: deque[tuple[Connection, float]] = deque()
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
        """A write transaction in the caller's thread, durable when the block is left.

        For commands that run beside no server; what serves writes through the `Writer`.
        """
        with self._transaction() as transaction:
            yield transaction.as_connection()

    async def transact(self, write: Callable[[AsyncConnection], T]) -> T:
        """What `write` returns, run with a write transaction in a thread of its own, after the commit.

        One hop to the thread and back for the whole transaction: a hop for each statement would cost more
        than the statements do.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, write)

    def _transact(self, write: Callable[[AsyncConnection], T]) -> T:
        with self._transaction() as transaction:
            return write(transaction.as_connection())

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        connection = self._connection()
        transaction = Transaction(connection)
        try:
            transaction.begin()
            yield transaction
            transaction.commit()
        except BaseException:
            try:
                transaction.rollback()
            except DBAPIError:
                _close(connection)
            else:
                self._idle.append((connection, time.monotonic()))
            raise
        self._idle.append((connection, time.monotonic()))

    def _connection(self) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if self.is_sqlite or time.monotonic() - since < _TRUSTED_S or self._answers(connection):
                return connection
        return self._writing.connect()

    def _answers(self, connection: Connection) -> bool:
        """Whether the database still knows a connection; one that it does not know is closed."""
        with contextlib.suppress(DBAPIError):
            connection.exec_driver_sql("SELECT 1")
            connection.rollback()
            return True
        _close(connection)
        return False

    async def close(self) -> None:
        """Closes every connection."""
        await self._readers.dispose()
        self._threads.shutdown()
        while self._idle:
            self._idle.pop()[0].close()
        self._writing.dispose()

    def _writing_engine(self) -> Engine:
        # Without a pool: `_idle` keeps the connections, as asking a pool at each transaction costs as much
        # as its statements do.
        if not self.is_sqlite:
            return create_engine(
                self._url,
                poolclass=NullPool,
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": _CONNECT_S},
            )
        engine = create_engine(
            self._url.set(drivername="sqlite"), poolclass=NullPool, connect_args={"check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_writer)
        return engine

    def _reading(self) -> AsyncEngine:
        if not self.is_sqlite:
            return create_async_engine(
                self._url,
                pool_size=_POSTGRESQL_READERS,
                max_overflow=0,
                pool_pre_ping=True,
                # So that a page and its count agree; writers lock rows and read committed.
                isolation_level="REPEATABLE READ",
                connect_args={"connect_timeout": _CONNECT_S},
            )
        engine = create_async_engine(
            self._url, poolclass=AsyncAdaptedQueuePool, pool_size=_SQLITE_READERS, max_overflow=0
        )
        event.listen(engine.sync_engine, "connect", _prepare_reader)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine


def _close(connection: Connection) -> None:
    """Closes a connection that may be broken."""
    with contextlib.suppress(DBAPIError):
        connection.close()


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

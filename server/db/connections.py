"""Connections to the store, kept for transactions that each run in one thread from beginning to end."""

import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from server.db.tx import Tx

# A connection used within this time is believed to be alive.
_TRUSTED_S = 1.0
_CONNECT_S = 10
_BUSY_TIMEOUT_MS = 10_000
# The writer's page cache. With a million emails the pages that accepting touches outgrew 64 MiB, and its rate
# fell by 30 %.
_SQLITE_CACHE_KIB = 196_608
# Pages of the log before a commit moves them into the store: at SQLite's own 1,000 a busy store would
# write each of its inner pages many times a second.
_SQLITE_CHECKPOINT_PAGES = 4_000
# For readers, so that a page and its count agree; writers lock rows, and must see what others committed.
_READING = "REPEATABLE READ"
_WRITING = "READ COMMITTED"


class Connections:
    """As many connections as there were transactions at once.

    Not SQLAlchemy's pool: checking a connection out of it costs as much as the statements of a small
    transaction do.
    """

    def __init__(self, url: URL, *, read_only: bool) -> None:
        self._engine, self._begin = _engine(url, read_only=read_only)
        # The idle connections, each with the time at which it became idle.
        self._idle: deque[tuple[Connection, float]] = deque()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A transaction, committed when the block is left, rolled back by an exception. Raises DBAPIError."""
        connection = self._connection()
        tx = Tx(connection)
        try:
            tx.begin(self._begin)
            yield tx
            tx.commit()
        except BaseException:
            try:
                tx.rollback()
            except DBAPIError:
                # The idle ones are probably lost too.
                _discard(connection)
                self._drop_idle()
            else:
                self._idle.append((connection, time.monotonic()))
            raise
        self._idle.append((connection, time.monotonic()))

    def close(self) -> None:
        """Closes the connections; no transaction may be open."""
        self._drop_idle()
        self._engine.dispose()

    def _drop_idle(self) -> None:
        """Closes the connections that no transaction uses now."""
        with contextlib.suppress(IndexError):
            while True:
                _discard(self._idle.pop()[0])

    def _connection(self) -> Connection:
        with contextlib.suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < _TRUSTED_S or _is_alive(connection):
                    return connection
        return self._engine.connect()


def _engine(url: URL, *, read_only: bool) -> tuple[Engine, str]:
    """An engine without a pool, and the statement that begins a transaction: empty if the driver begins."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level=_READING if read_only else _WRITING,
            connect_args={"connect_timeout": _CONNECT_S},
        )
        return engine, ""
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
    return engine, "BEGIN" if read_only else "BEGIN IMMEDIATE"


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    """WAL, and an fsync at every commit: what was acknowledged survives a power cut."""
    _prepare(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}",
        f"PRAGMA wal_autocheckpoint={_SQLITE_CHECKPOINT_PAGES}",
    )


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    _prepare(connection, "PRAGMA query_only=ON")


def _prepare(connection: sqlite3.Connection, *pragmas: str) -> None:
    # The driver must not begin transactions by itself: it would begin them deferred, and upgrading one
    # from read to write fails at once when another wrote meanwhile, busy timeout or not.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(pragma)
    cursor.close()


def _is_alive(connection: Connection) -> bool:
    """True if a connection still works; one that does not is closed."""
    with contextlib.suppress(DBAPIError):
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        return True
    _discard(connection)
    return False


def _discard(connection: Connection) -> None:
    """Closes a connection that may be broken: without a rollback, which would fail and be logged."""
    with contextlib.suppress(DBAPIError):
        connection.invalidate()
    connection.close()

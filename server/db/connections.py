"""Connections to the store, kept for transactions that each run in one thread from beginning to end."""

import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from server.db.availability import Availability
from server.db.engines import engine_of
from server.db.outage import CommitUnknown, StoreAway, outage_of
from server.db.tx import Tx

# A connection used within this time is believed to be alive.
_TRUSTED_S = 1.0
_CONNECT_S = 5
# Keeps a server that vanished without a word, as in a fail-over, from holding its callers: a connection is
# given up when what was sent is not acknowledged for this time (milliseconds), or three probes are not.
_POSTGRESQL_CONNECT = {
    "connect_timeout": _CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# After a failed attempt to connect the next one is made no earlier than this: each call that waits for a
# thread meanwhile would wait for an attempt of its own.
_PAUSE_S = 0.2
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

    def __init__(self, url: URL, availability: Availability, *, read_only: bool) -> None:
        self._engine, self._begin = _engine(url, read_only=read_only)
        self._availability = availability
        self._read_only = read_only
        self._away: StoreAway | None = None
        self._away_until = 0.0
        # The idle connections, each with the time at which it became idle.
        self._idle: deque[tuple[Connection, float]] = deque()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A transaction, committed when the block is left, rolled back by an exception.

        Raises `StoreAway` in an outage, `CommitUnknown` if it began during the commit, else DBAPIError.
        """
        connection = self._connection()
        tx = Tx(connection)
        committing = False
        try:
            tx.begin(self._begin)
            yield tx
            tx.run_deferred()
            committing = True
            tx.commit()
        except BaseException as error:
            away = self._outage(error)
            try:
                tx.rollback()
            except DBAPIError:
                # The idle ones are probably lost too.
                _discard(connection)
                self._drop_idle()
            else:
                self._release(connection, is_good=away is None or not away.is_lost)
            if away is None:
                raise
            if committing and away.is_lost:
                away = CommitUnknown(away.detail)
            raise away from error
        self._idle.append((connection, time.monotonic()))

    def _outage(self, error: BaseException) -> StoreAway | None:
        away = outage_of(error, read_only=self._read_only) if isinstance(error, DBAPIError) else None
        if away is not None:
            self._availability.failed(away)
        return away

    def _release(self, connection: Connection, *, is_good: bool) -> None:
        """Keeps a connection for the next transaction, unless it leads to a store that is of no use: the
        next one may lead to the new primary."""
        if is_good:
            self._idle.append((connection, time.monotonic()))
        else:
            _discard(connection)
            self._drop_idle()

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
        if self._away is not None and time.monotonic() < self._away_until:
            raise StoreAway(self._away.detail, is_lost=True)
        try:
            connection = self._engine.connect()
        except DBAPIError as error:
            self._away = self._outage(error)
            if self._away is None:
                raise
            self._away_until = time.monotonic() + _PAUSE_S
            raise self._away from error
        self._away = None
        return connection


def _engine(url: URL, *, read_only: bool) -> tuple[Engine, str]:
    """An engine without a pool, and the statement that begins a transaction: empty if the driver begins."""
    if url.get_backend_name() != "sqlite":
        engine = engine_of(
            url,
            isolation_level=_READING if read_only else _WRITING,
            connect_args=_POSTGRESQL_CONNECT,
        )
        return engine, ""
    engine = engine_of(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
    return engine, "BEGIN" if read_only else "BEGIN IMMEDIATE"


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    """WAL, and an fsync at every commit: what was acknowledged survives a power cut."""
    _prepare(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        # Some builds overwrite all that is deleted, which for a large file takes as long as to write it.
        "PRAGMA secure_delete=FAST",
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

"""Links: connections to the store, each with what is known about it."""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from server.db import bounds, fate
from server.db.bounds import Bounds
from server.db.engines import engine_of
from server.db.fate import Origin
from server.db.watchdog import Line, Watchdog

_BUSY_TIMEOUT_MS = 10_000
# The writer's page cache. With a million emails the pages that accepting touches outgrew 64 MiB, and its rate
# fell by 30 %.
_SQLITE_CACHE_KIB = 196_608
# Pages of the log before a commit moves them into the store: at SQLite's own 1,000 a busy store would
# write each of its inner pages many times a second.
_SQLITE_CHECKPOINT_PAGES = 4_000
# For readers, so that a page and its count agree; writers lock rows, and must see what others committed.
_READING = "REPEATABLE READ"


@dataclass(eq=False, slots=True)
class Link:
    """A connection; `line` and `origin` are those of PostgreSQL, the latter of writers only.

    `idle_since` is a time of the monotonic clock, in seconds.
    """

    connection: Connection
    line: Line | None
    origin: Origin | None
    idle_since: float = 0.0


class Links:
    """Makes links to one store, for readers or for writers."""

    def __init__(self, url: URL, limits: Bounds, watchdog: Watchdog, *, read_only: bool) -> None:
        self._limits = limits
        self._watchdog = watchdog
        self._read_only = read_only
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._engine = self._engine_of(url)
        # The statement that begins a transaction: empty if the driver begins.
        self.begin = fate.BEGIN
        if read_only:
            self.begin = "BEGIN" if self.is_sqlite else ""
        elif self.is_sqlite:
            self.begin = "BEGIN IMMEDIATE"

    def open(self) -> Link:
        """A new link. Raises DBAPIError."""
        connection = self._engine.connect()
        known = connection.info
        line = known.get("line")
        if line is not None:
            self._watchdog.release(line)
        return Link(connection, line, known.get("origin"))

    def is_alive(self, link: Link) -> bool:
        """True if a link still works; one that does not is closed."""
        self.watch(link, bounds.CONNECT_S)
        with contextlib.suppress(DBAPIError):
            link.connection.exec_driver_sql("SELECT 1")
            link.connection.rollback()
            self.release(link)
            return True
        self.discard(link)
        return False

    def watch(self, link: Link, seconds: float | None = None) -> None:
        """Cuts the link unless it is released within this time, by default that of a transaction."""
        if link.line is not None:
            self._watchdog.watch(link.line, self._limits.transaction_s if seconds is None else seconds)

    def release(self, link: Link) -> None:
        """The link is idle."""
        if link.line is not None:
            self._watchdog.release(link.line)

    def discard(self, link: Link) -> None:
        """Closes a link that may be broken: without a rollback, which would fail and be logged."""
        with contextlib.suppress(DBAPIError):
            link.connection.invalidate()
        link.connection.close()
        if link.line is not None:
            self._watchdog.remove(link.line)

    def close(self) -> None:
        """Frees what is left; the links are discarded."""
        self._engine.dispose()

    def _engine_of(self, url: URL) -> Engine:
        """An engine without a pool."""
        prepare: Callable[..., None]
        if self.is_sqlite:
            engine = engine_of(url, connect_args={"check_same_thread": False})
            prepare = _prepare_reader if self._read_only else _prepare_writer
        elif self._read_only:
            engine = engine_of(url, isolation_level=_READING, connect_args=self._limits.connect_args)
            prepare = self._prepare
        else:
            # Our own statement begins, with more than the driver's would say.
            engine = engine_of(url, connect_args={**self._limits.connect_args, "autocommit": True})
            prepare = self._prepare
        # Before SQLAlchemy asks a first connection about its server.
        event.listen(engine, "connect", prepare, insert=True)
        return engine

    def _prepare(self, driver: Any, record: Any) -> None:
        """Prepares a connection of PostgreSQL: the driver has no public type here."""
        line = Line(driver)
        self._watchdog.add(line)
        self._watchdog.watch(line, bounds.CONNECT_S)
        try:
            driver.autocommit, before = True, driver.autocommit
            driver.execute(bounds.SET, self._limits.parameters, prepare=False)
            if not self._read_only:
                record.info["origin"] = Origin.of(driver)
            driver.autocommit = before
        except BaseException:
            self._watchdog.remove(line)
            driver.close()
            raise
        record.info["line"] = line


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    """WAL, and an fsync at every commit: what was acknowledged survives a power cut."""
    _pragmas(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        # Some builds overwrite all that is deleted, which for a large file takes as long as to write it.
        "PRAGMA secure_delete=FAST",
        f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}",
        f"PRAGMA wal_autocheckpoint={_SQLITE_CHECKPOINT_PAGES}",
    )


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    _pragmas(connection, "PRAGMA query_only=ON")


def _pragmas(connection: sqlite3.Connection, *pragmas: str) -> None:
    # The driver must not begin transactions by itself: it would begin them deferred, and upgrading one
    # from read to write fails at once when another wrote meanwhile, busy timeout or not.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(pragma)
    cursor.close()

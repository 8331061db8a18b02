"""Connections to the store, kept for transactions that each run in one thread from beginning to end."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from server.db import bounds, fate
from server.db.availability import Availability
from server.db.bounds import Bounds
from server.db.fate import Fate, UnknownFate
from server.db.links import Link, Links
from server.db.outage import CommitUnknown, StoreAway, outage_of
from server.db.tx import Tx
from server.db.watchdog import Watchdog

# A connection used within this time is believed to be alive.
_TRUSTED_S = 1.0
# After a failed attempt to connect the next one is made no earlier than this: each call that waits for a
# thread meanwhile would wait for an attempt of its own.
_PAUSE_S = 0.2
# The time in which the fate of a commit must be known: longer than a database takes to start again, or to end
# a session that stands still.
_FATE_S = 10.0


class Connections:
    """As many connections as there were transactions at once.

    Not SQLAlchemy's pool: checking a connection out of it costs as much as the statements of a small
    transaction do.
    """

    def __init__(
        self,
        url: URL,
        availability: Availability,
        *,
        read_only: bool,
        limits: Bounds | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._watchdog = watchdog or Watchdog()
        limits = limits or (bounds.READING if read_only else bounds.WRITING)
        self._links = Links(url, limits, self._watchdog, read_only=read_only)
        self._availability = availability
        self._read_only = read_only
        self._away: StoreAway | None = None
        self._away_until = 0.0
        self._idle: deque[Link] = deque()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A transaction, committed when the block is left, rolled back by an exception.

        Raises `StoreAway` in an outage, `CommitUnknown` if one began during the commit and nobody can tell
        whether that took effect, else DBAPIError.
        """
        link = self._link()
        tx = Tx(link.connection)
        name: str | None = None
        committing = False
        try:
            self._links.watch(link)
            name = tx.begin(self._links.begin)
            yield tx
            tx.run_deferred()
            committing = True
            tx.commit()
        except BaseException as error:
            away = self._outage(error, tx)
            self._undo(link, tx, is_good=away is None or not away.is_lost)
            if away is None:
                raise
            if not (committing and away.is_lost):
                raise away from error
            if not self._read_only and not self._is_committed(link, name, away):
                raise away from error
            return
        self._release(link)

    def _outage(self, error: BaseException, tx: Tx | None = None) -> StoreAway | None:
        if not isinstance(error, DBAPIError):
            return None
        is_limited = tx is not None and tx.is_limited
        away = outage_of(error, read_only=self._read_only, is_limited=is_limited)
        if away is not None and not away.may_repeat:
            self._availability.failed(away)
        return away

    def _undo(self, link: Link, tx: Tx, *, is_good: bool) -> None:
        """Rolls back. A link that leads to a store that is of no use is not kept: the next one may lead to
        the new primary, and the idle ones are probably lost too."""
        try:
            tx.rollback()
        except DBAPIError:
            is_good = False
        if is_good:
            self._release(link)
        else:
            self._links.discard(link)
            self._drop_idle()

    def _is_committed(self, link: Link, name: str | None, away: StoreAway) -> bool:
        """True if the transaction with this name took effect although its commit had no answer, False if it
        was rolled back. Raises `CommitUnknown`."""
        until = time.monotonic() + _FATE_S
        with contextlib.suppress(UnknownFate):
            while time.monotonic() < until and not self._watchdog.has_given_up:
                found = self._fate(link, name)
                if found is not None:
                    return found == "committed"
                time.sleep(_PAUSE_S)
        unknown = CommitUnknown(away.detail)
        self._availability.failed(unknown)
        raise unknown

    def _fate(self, link: Link, name: str | None) -> Fate | None:
        if link.origin is None or name is None:
            raise UnknownFate
        with contextlib.suppress(DBAPIError):
            fresh = self._links.open()
            try:
                self._links.watch(fresh, bounds.CONNECT_S)
                if fresh.origin is None:
                    raise UnknownFate
                return fate.look_up(Tx(fresh.connection), fresh.origin, link.origin, name)
            finally:
                self._links.discard(fresh)
        return None

    def _release(self, link: Link) -> None:
        """Keeps a link for the next transaction."""
        self._links.release(link)
        link.idle_since = time.monotonic()
        self._idle.append(link)

    def close(self) -> None:
        """Closes the connections; no transaction may be open."""
        self._drop_idle()
        self._links.close()

    def _drop_idle(self) -> None:
        """Closes the connections that no transaction uses now."""
        with contextlib.suppress(IndexError):
            while True:
                self._links.discard(self._idle.pop())

    def _link(self) -> Link:
        if self._watchdog.has_given_up:
            raise StoreAway("this process stops, and the store did not answer", is_lost=True)
        with contextlib.suppress(IndexError):
            while True:
                link = self._idle.pop()
                if time.monotonic() - link.idle_since < _TRUSTED_S or self._links.is_alive(link):
                    return link
        if self._away is not None and time.monotonic() < self._away_until:
            raise StoreAway(self._away.detail, is_lost=True)
        try:
            link = self._links.open()
        except DBAPIError as error:
            away = self._outage(error)
            if away is None:
                raise
            self._away = StoreAway(away.detail, is_lost=True)
            self._availability.failed(self._away)
            self._away_until = time.monotonic() + _PAUSE_S
            raise self._away from error
        self._away = None
        return link

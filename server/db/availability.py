"""The state of the store as this process sees it: one line in the log when it goes, one when it is back."""

import os
import secrets
import time
from pathlib import Path

import structlog
from sqlalchemy.engine import URL

from server.db.outage import StoreAway
from server.db.statements import Change
from server.db.tx import Tx

# The name of the row that probes write, and their sizes in bytes.
_NAME = "probe"
_SMALL = 16
# After a failure, as a full disk often has room for a small row.
_LARGE = 256 * 1024
# The free space (bytes) that the disk of an SQLite store must have after a failure.
_FREE = 4 * 2**20
_WRITE = Change(
    "INSERT INTO installation (name, value) VALUES (:name, :value)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_log = structlog.get_logger()


class Availability:
    """The last word on whether the store takes writes: a failure says no, only a probe says yes again."""

    def __init__(self) -> None:
        self._away_since: float | None = None

    @property
    def is_away(self) -> bool:
        """True since the last outage."""
        return self._away_since is not None

    def failed(self, away: StoreAway) -> None:
        """Notes an outage; any thread may call it."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            _log.error("the store cannot be used", error=away.detail)

    def proved(self) -> None:
        """Notes that a write took effect that was large enough to mean something."""
        if self._away_since is not None:
            seconds = round(time.monotonic() - self._away_since, 1)
            self._away_since = None
            _log.info("the store can be used again", away_s=seconds)


def probe(tx: Tx, url: URL, *, after_failure: bool) -> None:
    """Writes a row of no meaning, after a failure a large one.

    Raises `StoreAway` if the disk of an SQLite store is nearly full.
    """
    if after_failure and tx.is_sqlite and url.database:
        room = os.statvfs(Path(url.database).parent)
        if room.f_bavail * room.f_frsize < _FREE:
            raise StoreAway("the disk of the store is full", is_lost=False)
    # Random, as PostgreSQL compresses what it can.
    value = secrets.token_bytes(_LARGE if after_failure else _SMALL)
    _WRITE.run(tx, [{"name": _NAME, "value": value}])

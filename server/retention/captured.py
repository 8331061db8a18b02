"""The files of captured mail: `<email_id>.<number>.eml`, whose ids say when they were made."""

import asyncio
import heapq
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from server.clock import Clock
from server.db.database import Database
from server.db.statements import Statement
from server.db.tables.retention import retention_days
from server.db.tx import Tx
from server.ids import ms_of
from server.retention.policy import DAY_MS

KIND = "captured"
# The files that one step looks at.
LIMIT = 5_000
# Also one that was not finished, when its process was killed.
_NAME = re.compile(r"\.?([0-9a-f]{24})\.\d+\.eml", re.ASCII)


class _Own(NamedTuple):
    org_id: str
    days: int


class _Email(NamedTuple):
    org_id: str
    id: str


_BETWEEN = Statement(
    _Email,
    """
    SELECT e.org_id, e.id FROM {keys} AS k CROSS JOIN emails AS e
    WHERE e.org_id = k.org_id AND e.id BETWEEN :first AND :last
    """,
    keys={"org_id": "text"},
)


class CapturedSweep:
    """Deletes old files of one process's folder; `days` are those of organisations without their own number.

    The name of a file does not say whose it is: the emails of the few organisations with numbers of their own
    are looked up.
    """

    def __init__(
        self, folder: Path, days: int, database: Database, clock: Clock, *, limit: int = LIMIT
    ) -> None:
        self._folder = folder
        self._days = days
        self._database = database
        self._clock = clock
        self._limit = limit
        self._after = ""

    async def step(self) -> bool:
        """Deletes some; True if more may be left."""
        now_ms = self._clock.now_ms()
        own = await self._database.read(_own_days)
        shortest = min([self._days, *own.values()])
        names = await asyncio.to_thread(self._next, now_ms - shortest * DAY_MS)
        days: dict[str, int] = {}
        if own and names:
            ids = [_id_of(name) for name in names]
            of_own = await self._database.read(_emails_of, sorted(own), ids[0], ids[-1])
            days = {email.id: own[email.org_id] for email in of_own}
        old = [
            name for name in names if ms_of(id := _id_of(name)) < now_ms - days.get(id, self._days) * DAY_MS
        ]
        await asyncio.to_thread(self._delete, old)
        self._after = _id_of(names[-1]) if len(names) == self._limit else ""
        return bool(self._after)

    def _next(self, before_ms: int) -> list[str]:
        """The names of the oldest files after those of the last step, made before a time, by their ids."""
        try:
            with os.scandir(self._folder) as entries:
                found = (entry.name for entry in entries if _NAME.fullmatch(entry.name))
                old = (
                    name for name in found if self._after < _id_of(name) and ms_of(_id_of(name)) < before_ms
                )
                return heapq.nsmallest(self._limit, old, key=_id_of)
        except FileNotFoundError:
            return []

    def _delete(self, names: Iterable[str]) -> None:
        for name in names:
            # Another process may share the folder.
            (self._folder / name).unlink(missing_ok=True)


def _id_of(name: str) -> str:
    match = _NAME.fullmatch(name)
    assert match is not None
    return match[1]


def _own_days(tx: Tx) -> dict[str, int]:
    query = select(retention_days.c.org_id, retention_days.c.days).where(retention_days.c.kind == KIND)
    return {row.org_id: row.days for row in tx.all(_Own, query)}


def _emails_of(tx: Tx, org_ids: Sequence[str], first: str, last: str) -> list[_Email]:
    return _BETWEEN.all(tx, [(org_id,) for org_id in org_ids], first=first, last=last)

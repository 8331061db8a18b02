"""The banned organisations: all their calls are refused, reading included (contract row S-19)."""

import asyncio

from sqlalchemy import select

from server.clock import Clock
from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tx import Tx

# The time in which a ban, or its end, may go unnoticed.
CACHE_MS = 4_000


class Banned:
    """A cache of all banned organisations, which are few; read again after 4 seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._org_ids: frozenset[str] = frozenset()
        self._read_at_ms: int | None = None
        self._reading = asyncio.Lock()

    async def contains(self, org_id: str) -> bool:
        """True if the organisation is banned."""
        if not self._is_fresh():
            async with self._reading:
                if not self._is_fresh():
                    await self._read()
        return org_id in self._org_ids

    def _is_fresh(self) -> bool:
        if self._read_at_ms is None:
            return False
        return 0 <= self._clock.now_ms() - self._read_at_ms < CACHE_MS

    async def _read(self) -> None:
        now_ms = self._clock.now_ms()
        self._org_ids = frozenset(await self._database.read(_banned))
        self._read_at_ms = now_ms


def _banned(tx: Tx) -> list[str]:
    return tx.scalars(str, select(organisations.c.org_id).where(organisations.c.state == "banned"))

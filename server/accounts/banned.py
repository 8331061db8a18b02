"""The banned organisations: all their calls are refused, reading included (contract row S-19)."""

import asyncio
from collections.abc import Mapping

from server.account_health.faults import AccountBanned
from server.account_health.rules import Standing
from server.account_health.store import in_state
from server.clock import Clock
from server.db.database import Database

# The time in which a ban, or its end, may go unnoticed.
CACHE_MS = 4_000


class Banned:
    """A cache of all banned organisations, which are few; read again after 4 seconds.

    `support_url` is where they appeal (C-69).
    """

    def __init__(self, database: Database, clock: Clock, support_url: str = "") -> None:
        self._support_url = support_url
        self._database = database
        self._clock = clock
        self._standings: Mapping[str, Standing] = {}
        self._read_at_ms: int | None = None
        self._reading = asyncio.Lock()

    async def check(self, org_id: str) -> None:
        """Raises `AccountBanned` if the organisation is banned."""
        if not self._is_fresh():
            async with self._reading:
                if not self._is_fresh():
                    await self._read()
        if (standing := self._standings.get(org_id)) is not None:
            raise AccountBanned(standing, self._support_url)

    def _is_fresh(self) -> bool:
        if self._read_at_ms is None:
            return False
        return 0 <= self._clock.now_ms() - self._read_at_ms < CACHE_MS

    async def _read(self) -> None:
        now_ms = self._clock.now_ms()
        banned = await self._database.read(in_state, "banned")
        self._standings = {account.org_id: account.standing for account in banned}
        self._read_at_ms = now_ms

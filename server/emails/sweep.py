"""Deletes rows that are kept for a time only: idempotency keys, unclear bounces, unique recipients."""

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.emails import idempotency
from server.quotas.rules import Periods
from server.quotas.sweep import MAX_SWEPT
from server.quotas.sweep import sweep as sweep_recipients
from server.suppressions import bounces
from server.work.loop import Loop

_PAUSE_S = 600.0


class Sweeper:
    """Deletes rows that are too old to matter, a bounded number of each kind in one transaction."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, max_swept: int = MAX_SWEPT) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._max_swept = max_swept
        self._swept_month: int | None = None
        self._loop = Loop("sweeper", self._step, pause_s=_PAUSE_S)

    def start(self) -> None:
        """Begins to sweep."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the sweep in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        now_ms = self._clock.now_ms()
        more = await self._writer.run(idempotency.sweep, now_ms)
        more = await self._writer.run(bounces.sweep, now_ms) or more
        return await self._sweep_month(Periods.of(now_ms).month) or more

    async def _sweep_month(self, month: int) -> bool:
        if self._swept_month == month:
            return False
        if await sweep_recipients(self._database, self._writer, month, self._max_swept):
            return True
        self._swept_month = month
        return False

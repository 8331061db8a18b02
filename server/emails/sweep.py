"""Forgets what was only kept for a time."""

from server.clock import Clock
from server.db.writer import Writer
from server.emails import idempotency
from server.suppressions import bounces
from server.work.loop import Loop

_PAUSE_S = 600.0


class Sweeper:
    """Deletes what is too old to matter, a bounded number of each kind in one transaction."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._loop = Loop("sweeper", self._step, pause_s=_PAUSE_S)

    def start(self) -> None:
        """Begins to sweep."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the sweep in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        now_ms = self._clock.now_ms()
        more = await self._writer.run(lambda connection: idempotency.sweep(connection, now_ms))
        return await self._writer.run(lambda connection: bounces.sweep(connection, now_ms)) or more

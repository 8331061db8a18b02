"""Forgets calls and attempts that were kept for long enough."""

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.webhooks import history
from server.webhooks.rules import KEPT_MS
from server.webhooks.store import Key
from server.work.loop import Loop

_PAUSE_S = 3600.0
_WEBHOOKS = 50
_ROWS = 500
_FIRST: Key = ("", "")


class Sweeper:
    """Goes from webhook to webhook, a bounded number of rows in one transaction."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._loop = Loop("webhooks.sweep", self.step, pause_s=_PAUSE_S)
        self._behind = _FIRST

    async def start(self) -> None:
        """Begins to sweep."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the step in progress."""
        await self._loop.stop()

    async def step(self) -> bool:
        """Forgets what is too old of the next webhooks; whether there may be more to forget."""
        async with self._database.read() as connection:
            keys = await history.webhooks_behind(connection, self._behind, _WEBHOOKS)
        before = self._clock.now_ms() - KEPT_MS
        more = await self._writer.run(lambda connection: history.forget(connection, keys, before, _ROWS))
        if more:
            return True
        self._behind = keys[-1] if len(keys) == _WEBHOOKS else _FIRST
        return self._behind != _FIRST

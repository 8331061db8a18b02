"""Deletes calls and attempts after their time of retention."""

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.webhooks import history
from server.webhooks.rules import KEPT_MS
from server.webhooks.store import WebhookKey

PAUSE_S = 3600.0
_WEBHOOKS = 50
_ROWS = 500
_FIRST: WebhookKey = ("", "")


class CallSweep:
    """Goes from webhook to webhook, a bounded number of rows in one transaction."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._after = _FIRST

    async def step(self) -> bool:
        """Deletes the old rows of the next webhooks; returns True if more may be left."""
        keys = await self._database.read(history.webhooks_after, self._after, _WEBHOOKS)
        before = self._clock.now_ms() - KEPT_MS
        if await self._writer.run(history.delete_old, keys, before, _ROWS):
            return True
        self._after = keys[-1] if len(keys) == _WEBHOOKS else _FIRST
        return self._after != _FIRST

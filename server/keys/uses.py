"""Records the times at which keys were last used, in the background."""

import asyncio
import contextlib

import structlog

from server.db.writer import Writer
from server.keys.store import KeyUse, record_uses

# The pause between two writes: the uses in it are written together.
GATHER_S = 1.0
MINUTE_MS = 60_000
_log = structlog.get_logger()


class KeyUses:
    """Gathers the uses of keys and writes them in batches: one commit for many keys."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._noted: dict[str, KeyUse] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes the uses that were noted, then stops. Must be called before the writer is closed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write()

    def note(self, org_id: str, id: str, at: int) -> None:
        """Notes a use, without waiting."""
        self._noted[id] = KeyUse(org_id, id, at)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write()
            await asyncio.sleep(GATHER_S)

    async def _write(self) -> None:
        uses, self._noted = list(self._noted.values()), {}
        try:
            await self._writer.submit(record_uses, uses)
        except Exception as error:
            # The next use of each key is noted again, so the loop must go on.
            _log.warning("the last use of keys was not written", keys=len(uses), error=str(error))

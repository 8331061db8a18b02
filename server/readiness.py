"""Readiness: the health service says NOT_SERVING while the store takes no writes."""

import asyncio
import time

from sqlalchemy.exc import DBAPIError

from server.db.availability import probe
from server.db.database import Database
from server.db.outage import StoreAway
from server.db.writer import Writer
from server.faults import Unavailable
from server.wire.health import Health
from server.work.loop import Loop

# The time until an outage that calls met is seen, and the store tried again, in seconds.
_PAUSE_S = 0.5
# The time until an outage that no call met is seen.
_PROBE_S = 5.0
# A probe that takes longer meets a store that stands still; it is longer than the writer takes for all that
# it has begun.
_LONGEST_S = 5.0


class Readiness:
    """Tries the store and tells `health`: reads may still work when every write fails, as on a full disk."""

    def __init__(self, health: Health, database: Database, writer: Writer) -> None:
        self._health = health
        self._database = database
        self._writer = writer
        self._is_ready = True
        self._probed_at = time.monotonic()
        self._loop = Loop("readiness", self._step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to watch the store."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the probe in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        availability = self._database.availability
        if availability.is_away:
            await self._say(ready=False)
        if availability.is_away or time.monotonic() - self._probed_at >= _PROBE_S:
            await self._say(ready=await self._takes_writes(after_failure=availability.is_away))
        return False

    async def _takes_writes(self, *, after_failure: bool) -> bool:
        self._probed_at = time.monotonic()
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._writer.run_next(probe, self._database.url, after_failure=after_failure)
        except TimeoutError:
            detail = f"no answer to a write within {_LONGEST_S:g} seconds"
            self._database.availability.failed(StoreAway(detail, is_lost=False))
            return False
        except (Unavailable, DBAPIError):
            # An overloaded writer refuses too: that is no outage, but other servers should be tried first.
            return False
        if after_failure:
            self._database.availability.proved()
        return not self._database.availability.is_away

    async def _say(self, *, ready: bool) -> None:
        if ready != self._is_ready:
            self._is_ready = ready
            await self._health.say(ready=ready)

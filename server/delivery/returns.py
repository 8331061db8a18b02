"""Rows that an engine gives back to the queue without an attempt."""

import contextlib
from collections.abc import Callable, Iterable, Sequence

from server.clock import Clock
from server.delivery.store import LeasedQueue
from server.delivery.transport import Transport
from server.faults import Unavailable
from server.queue.rows import Claimed, LeaseKey, Release
from server.queue.rules import chance_of
from server.work.backoff import jittered


class Returns:
    """Gives rows back.

    `forget` is called first with their keys: what cannot be given back must not be renewed for ever.
    """

    def __init__(
        self,
        queue: LeasedQueue,
        clock: Clock,
        transport: Transport,
        forget: Callable[[Iterable[LeaseKey]], None],
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._transport = transport
        self._forget = forget

    async def give_back(self, keys: Iterable[LeaseKey]) -> None:
        """Gives rows back that may be claimed again at once."""
        await self._release([Release(key) for key in keys])

    async def put_off(self, rows: Iterable[tuple[Claimed, float]]) -> None:
        """Gives rows back, each for a number of seconds; recipients of one email stay together."""
        now = self._clock.now_ms()
        releases = []
        for row, pause_s in rows:
            chance = chance_of(row.key.email_id, self._transport.site_of(row.site), row.attempts)
            releases.append(Release(row.key, due_at=now + round(jittered(pause_s, chance) * 1000)))
        await self._release(releases)

    async def hold(self, rows: Iterable[Claimed]) -> None:
        """Gives rows back that wait until their organisation is no longer paused (contract row C-86)."""
        now = self._clock.now_ms()
        await self._release([Release(row.key, held_since=now) for row in rows])

    async def _release(self, releases: Sequence[Release]) -> None:
        if releases:
            self._forget(release.key for release in releases)
            with contextlib.suppress(Unavailable):
                await self._queue.release(releases)

"""Recovers the rows of engines that are gone: settles them, or brings them back into the queue."""

import asyncio
from collections.abc import Container
from pathlib import Path

import structlog

from server.clock import Clock
from server.delivery.journal import Abandoned, abandoned
from server.delivery.orphans import Orphan
from server.delivery.record import Settlement, failed, settlement
from server.delivery.store import LeasedQueue
from server.delivery.verdict import RetryPolicy, unanswered
from server.queue.rows import LeaseKey, Release

# An engine may die this often with a row before it is given up: it probably kills its deliverer.
MAX_CRASHES = 5
# Expired rows that are recovered at a time.
_AT_ONCE = 200
_log = structlog.get_logger()


class Recovery:
    """Settles or releases the rows of engines that are gone; `held` are the keys of our own."""

    def __init__(
        self, queue: LeasedQueue, folder: Path, clock: Clock, patience: RetryPolicy, held: Container[LeaseKey]
    ) -> None:
        self._queue = queue
        self._folder = folder
        self._clock = clock
        self._patience = patience
        self._held = held

    async def adopt(self) -> int:
        """Takes over from each engine of this machine that is gone; returns the number of its rows.

        Its journal is read before any of its rows can be claimed again, and says for each of them whether
        its message was not sent, sent and answered, or sent without a known answer.
        """
        rows = 0
        for journal in await asyncio.to_thread(lambda: list(abandoned(self._folder))):
            left = await self._queue.leftovers(journal.owner)
            await self._bring_back(left, journal)
            await asyncio.to_thread(journal.remove)
            rows += len(left)
        if rows:
            _log.info("took over from an engine that was gone", rows=rows)
        return rows

    async def reclaim(self) -> bool:
        """Brings rows back whose leases ran out; True if there may be more of them.

        The progress of a holder on another machine is not known, so its rows count as uncertain.
        """
        left = await self._expired()
        if not left:
            return False
        if any(row.key.owner != self._queue.owner for row in left):
            await self.adopt()
            left = await self._expired()
        await self._bring_back(left, None)
        return len(left) >= _AT_ONCE

    async def _expired(self) -> list[Orphan]:
        # A process that stood still finds its own rows expired. Those it holds may have been sent meanwhile:
        # their deliveries record that, or give them back.
        return [row for row in await self._queue.expired(_AT_ONCE) if row.key not in self._held]

    async def _bring_back(self, left: list[Orphan], journal: Abandoned | None) -> None:
        settlements: list[Settlement] = []
        releases: list[Release] = []
        now = self._clock.now_ms()
        for row in left:
            decided = self._decide(row, journal, now)
            if isinstance(decided, Settlement):
                settlements.append(decided)
            else:
                releases.append(decided)
        await self._queue.settle(settlements)
        await self._queue.release(releases)

    def _decide(self, row: Orphan, journal: Abandoned | None, now: int) -> Settlement | Release:
        if journal is None:
            if row.key.owner == self._queue.owner:
                return Release(row.key)
            if row.crashes + 1 >= MAX_CRASHES:
                return failed(row.attempt, _POISON)
            due_at = now + self._patience.uncertain_ms
            return Release(row.key, due_at=due_at, crashes=row.crashes + 1, uncertain=True)
        if row.key in journal.done:
            return journal.done[row.key]
        if row.key in journal.uncertain:
            return settlement(row.attempt, unanswered(_ENDED, ""), now, self._patience)
        if row.key in journal.preparing:
            if row.crashes + 1 >= MAX_CRASHES:
                return failed(row.attempt, _POISON)
            return Release(row.key, crashes=row.crashes + 1)
        return Release(row.key)


_ENDED = "the delivery process ended after the message was sent and before it read the reply"
_POISON = f"given up: the delivery process ended {MAX_CRASHES} times while it handled this message"

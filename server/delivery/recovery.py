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
from server.faults import Unavailable
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
        # True at the start and after an outage, in which nobody could renew a lease.
        self._others_may_live = True

    async def adopt(self) -> int:
        """Takes over from each engine of this machine that is gone; returns the number of its rows.

        Its journal is read before any of its rows can be claimed again, and says for each of them whether
        its message was not sent, sent and answered, or sent without a known answer.
        """
        rows = 0
        journals = await asyncio.to_thread(lambda: list(abandoned(self._folder)))
        try:
            for journal in journals:
                left = await self._queue.leftovers(journal.owner)
                await self._bring_back(left, journal)
                await asyncio.to_thread(journal.remove)
                rows += len(left)
        finally:
            # In an outage they are read again later: what they say must not be lost.
            for journal in journals:
                journal.leave()
        if rows:
            _log.info("took over from an engine that was gone", rows=rows)
        return rows

    async def return_unheld(self) -> None:
        """Brings the rows back that carry our name and are not held, after an outage.

        They were claimed in a commit whose answer was lost, or could not be given back. No message was sent
        for them, so they are due again at once. No claim of ours may run meanwhile.
        """
        # A change that fails from here on counts for the next time.
        if not (unsure := self._queue.unsure.count):
            return
        left = await self._queue.leftovers(self._queue.owner)
        unheld = [row for row in left if row.key not in self._held]
        await self._bring_back(unheld, None)
        self._queue.unsure.made_sure(unsure)
        if unheld:
            _log.info("gave back what was claimed before an outage", rows=len(unheld))

    async def reclaim(self) -> bool:
        """Brings rows back whose leases ran out; True if there may be more of them.

        The progress of a holder on another machine is not known, so its rows count as uncertain. After an
        outage the others get one more pause between two calls to renew theirs.
        """
        try:
            left = await self._expired()
        except Unavailable:
            self._others_may_live = True
            raise
        if self._others_may_live:
            self._others_may_live = False
            await self._bring_back([row for row in left if row.key.owner == self._queue.owner], None)
            return False
        if not left:
            return False
        if any(row.key.owner != self._queue.owner for row in left):
            await self.adopt()
            left = await self._expired()
        await self._queue.take_back(self._decided(left, None))
        return len(left) >= _AT_ONCE

    async def _expired(self) -> list[Orphan]:
        # A process that stood still finds its own rows expired. Those it holds may have been sent meanwhile:
        # their deliveries record that, or give them back.
        return [row for row in await self._queue.expired(_AT_ONCE) if row.key not in self._held]

    async def _bring_back(self, left: list[Orphan], journal: Abandoned | None) -> None:
        """Of engines that are gone, and our own rows."""
        decided = self._decided(left, journal)
        await self._queue.settle([one for one in decided if isinstance(one, Settlement)])
        await self._queue.release([one for one in decided if isinstance(one, Release)])

    def _decided(self, left: list[Orphan], journal: Abandoned | None) -> list[Settlement | Release]:
        now = self._clock.now_ms()
        return [self._decide(row, journal, now) for row in left]

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

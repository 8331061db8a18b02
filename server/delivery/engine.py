"""The delivery engine: claims rows that are due, delivers their messages, and records results, in lists.

    queue -> claim -> load (compose, sign) -> sites -> transport -> verdict -> journal -> settle

Every arrow is bounded: no more rows are held than `Holding` counts, no more deliveries run than the settings
say, and results are written as a list by one task. Each organisation has a share of the rows and the slots.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import structlog

from server import failpoints
from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.delivery.clearance import Clearance
from server.delivery.deadlines import Deadlines
from server.delivery.deliverer import Deliverer
from server.delivery.holding import Holding
from server.delivery.journal import Journal
from server.delivery.loader import Loaded, Loader
from server.delivery.memory_budget import LARGE
from server.delivery.prepare import Preparer
from server.delivery.record import Attempt, Settlement, settlement
from server.delivery.recovery import Recovery
from server.delivery.returns import Returns
from server.delivery.sites import Job, Sites
from server.delivery.store import LeasedQueue
from server.delivery.transport import Transport
from server.delivery.verdict import Outcome, RetryPolicy
from server.faults import Unavailable
from server.ids import new_id
from server.net.descriptors import at_most
from server.queue.rows import Claimed, LeaseKey
from server.sealing import Seal
from server.settings import Settings
from server.work.backpressure import Backpressure, Pacer
from server.work.lease import Leases
from server.work.loop import Loop
from server.work.notifier import Notifier

# Each delivery has a connection; the rest is for idle ones, for DNS, for callers and for the store.
_PART_OF_DESCRIPTORS = 4
_MAX_SETTLE = 256
_MAX_RESUMED = 1000
# The delay before a claim while many sends are being accepted, in which more mail comes to be claimed
# together: a claim for each transaction that accepts would cost as much as the accepting.
_HIGH_GATHER_S = 0.05
# The time after which a large message for which there was no room is tried again.
_LARGE_PAUSE_S = 2.0
# The time for which claimed mail is loaded before other mail is claimed.
_ROUND_S = 0.5
# The time after which mail is tried again that this machine had no means to send.
_OWN_PAUSE_S = 5.0
_log = structlog.get_logger()


class Engine:
    """Delivers the mail of a store.

    It claims at each notification of `mail_queued`, and polls for mail that other processes accepted.
    `events_appended` is notified after each commit that appended events. Under `backpressure` mail that
    arrives is claimed a little later and together; mail that waits is claimed without a pause.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        seal: Seal,
        transport: Transport,
        mail_queued: Notifier,
        events_appended: Notifier,
        backpressure: Backpressure,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = transport
        self._events_appended = events_appended
        self._pacer = Pacer("delivery", backpressure, gather_s=0.0, high_gather_s=_HIGH_GATHER_S)
        self._is_behind = False
        self._patience = RetryPolicy(
            round(settings.lifetime_s * 1000), round(settings.uncertain_delay_s * 1000)
        )
        self._folder = settings.data_dir / "journal"
        self._owner = new_id()
        self._queue = LeasedQueue(database, writer, clock, self._owner, settings.lease_s)
        self._leases: Leases[LeaseKey] = Leases("delivery leases", self._queue.renew, settings.lease_s)
        system_domain = settings.system_from.rpartition("@")[2].lower()
        self._preparer = Preparer(database, seal, clock, settings.lifetime_s, system_domain)
        self._recovery = Recovery(self._queue, self._folder, clock, self._patience, self._leases)
        self._clearance = Clearance(database, clock)
        self._returns = Returns(self._queue, clock, transport, self._forget)
        self._deadlines = deadlines or Deadlines()
        slots = at_most(settings.delivery_concurrency, part=_PART_OF_DESCRIPTORS)
        self._sites = Sites(transport.site_concurrency, slots)
        self._holding = Holding(slots, has_many_sites=transport.has_many_sites)
        self._feeding = Loop("delivery", self._feed)
        self._settling = Loop("delivery results", self._settle, pause_s=5.0)
        self._recovering = Loop("delivery recovery", self._recovery.reclaim, pause_s=settings.lease_s / 3)
        self._resuming = Loop("held mail", self._resume, pause_s=1.0)
        self._deliveries: set[asyncio.Task[None]] = set()
        self._results: list[Settlement] = []
        mail_queued.subscribe(self.wake)

    async def start(self) -> None:
        """Takes over what earlier engines of this machine left, then begins to deliver."""
        self._journal = await asyncio.to_thread(Journal, self._folder, self._owner)
        self._loader = Loader(self._queue, self._preparer, self._journal, self._transport, self._leases)
        self._deliverer = Deliverer(
            self._transport,
            self._journal,
            self._leases,
            self._deadlines,
            self._clock,
            self._clearance,
            self._record,
        )
        await self._recovery.adopt()
        self._leases.start()
        self._settling.start()
        self._recovering.start()
        self._resuming.start()
        self._feeding.start()

    def wake(self) -> None:
        """Claims now rather than at the next poll: something may be due."""
        self._feeding.wake()

    async def stop(self) -> None:
        """Claims no more, finishes what is in flight within `drain_s`, and gives the rest back."""
        await self._feeding.stop()
        await self._recovering.stop()
        await self._resuming.stop()
        loaded = [row for job in self._sites.clear() for row in job.rows.values()]
        await self._returns.give_back(row.key for row in [*loaded, *self._loader.clear()])
        if self._deliveries:
            _, late = await asyncio.wait(self._deliveries, timeout=self._settings.drain_s)
            for delivery in late:
                delivery.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._returns.give_back(self._deliverer.unfinished)
        await self._settling.stop()
        with contextlib.suppress(Unavailable):  # the journal keeps the replies for the next engine
            while self._results:
                await self._settle()
        await self._leases.stop()
        await self._transport.close()
        await self._journal.close()

    # Claiming and preparing.

    async def _feed(self) -> bool:
        self._deadlines.press(pressed=self._sites.is_full)
        await self._recovery.return_unheld()
        if self._holding.is_tight:
            await self._make_room()
        is_behind = await self._claim()
        until = self._leases.now() + _ROUND_S
        while (rows := self._loader.next_list()) is not None:
            try:
                if kept := await self._with_memory(rows):
                    loaded = await self._loader.load(kept)
                    await self._returns.hold(loaded.held)
                    self._begin_all(loaded)
            except Exception:
                await self._returns.give_back(row.key for row in [*rows, *self._loader.clear()])
                raise
            if self._leases.now() >= until:
                self._is_behind = True
                return True
        return is_behind

    async def _claim(self) -> bool:
        """Claims rows that are due, and returns True if there may be more. It is woken when there is room."""
        if not (most := self._holding.most):
            return False
        if not self._is_behind:
            await self._pacer.gather()
        claimed_at = self._leases.now()
        claimed = await self._queue.claim(most, self._holding.shares())
        self._is_behind = len(claimed) == most or not self._queue.was_round
        if not claimed:
            return not self._queue.was_round
        self._leases.hold((row.key for row in claimed), claimed_at)
        self._holding.add(claimed)
        failpoints.hit("engine.after_claim")
        self._loader.add(await self._without_slow(claimed))
        return True

    async def _with_memory(self, rows: Sequence[Claimed]) -> list[Claimed]:
        """The rows for whose messages there is memory; large ones of the others are put off."""
        kept = [row for row in rows if self._holding.has_memory_for(row)]
        if without := [row for row in rows if not self._holding.has_memory_for(row)]:
            await self._returns.put_off((row, _LARGE_PAUSE_S) for row in without if row.attached > LARGE)
            await self._returns.give_back(row.key for row in without if row.attached <= LARGE)
        return kept

    async def _make_room(self) -> None:
        """Puts off jobs of slow sites that keep us from claiming other mail."""
        if self._transport.has_many_sites:
            shed = self._sites.shed(self._holding.kept_of_slow_sites, self._leases.now())
            for job, _ in shed:
                self._holding.drop_letter(job.letter)
            await self._returns.put_off((row, pause_s) for job, pause_s in shed for row in job.rows.values())

    async def _without_slow(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """The rows without those of slow sites with enough jobs, which are put off."""
        now = self._leases.now()
        pauses = {
            (org_id, site): pause_s
            for org_id, site in {(row.key.org_id, row.site) for row in claimed}
            if (pause_s := self._sites.pause(self._transport.site_of(site), org_id, now))
        }
        slow = [row for row in claimed if (row.key.org_id, row.site) in pauses]
        await self._returns.put_off((row, pauses[row.key.org_id, row.site]) for row in slow)
        return [row for row in claimed if (row.key.org_id, row.site) not in pauses]

    async def _resume(self) -> bool:
        resumed = await self._queue.resume(_MAX_RESUMED)
        if resumed:
            self._feeding.wake()
        return resumed == _MAX_RESUMED

    def _begin_all(self, loaded: Loaded) -> None:
        self._record(loaded.refused, self._clock.now_ms())
        now = self._leases.now()
        for job in loaded.jobs:
            self._holding.add_letter(job.letter)
            self._sites.add(job, now)
        if loaded.missing:
            # Never seen yet. Their leases run out, and then they are claimed again.
            _log.error("queued emails are not in the store", emails=[key.email_id for key in loaded.missing])
            self._forget(loaded.missing)
        self._begin()

    # Delivering.

    def _begin(self) -> None:
        """Begins as many deliveries as there is room for."""
        while (job := self._sites.begin()) is not None:
            delivery = asyncio.create_task(self._deliver_on(job))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

    async def _deliver_on(self, job: Job | None) -> None:
        while job is not None:
            began_at = self._leases.now()
            answered = None
            try:
                ended = await self._deliverer.deliver(job)
                answered = ended.answered
            finally:
                self._sites.end(job, answered=answered, began_at=began_at, now=self._leases.now())
                self._holding.drop_letter(job.letter)
            self._forget(ended.lost)
            await self._returns.hold(ended.held)
            if ended.postponed:
                await self._returns.put_off((row, _OWN_PAUSE_S) for row in ended.postponed)
            # The end of one delivery may make room for several: a site that answers gets a higher limit.
            job = self._sites.begin()
            self._begin()

    # Recording.

    def _record(self, results: Iterable[tuple[Attempt, Outcome]], now_ms: int) -> list[Settlement]:
        settlements = [settlement(attempt, outcome, now_ms, self._patience) for attempt, outcome in results]
        self._results += settlements
        self._settling.wake()
        return settlements

    async def _settle(self) -> bool:
        results, self._results = self._results[:_MAX_SETTLE], self._results[_MAX_SETTLE:]
        if not results:
            return False
        failpoints.hit("engine.before_complete")
        try:
            ours = await self._queue.settle(results)
        except BaseException:
            self._results = results + self._results
            raise
        if not all(ours):
            late = [result.key.email_id for result, mine in zip(results, ours, strict=True) if not mine]
            _log.warning("results came after their leases were lost", email_ids=late)
        self._journal.committed(result.key for result in results)
        self._forget(result.key for result in results)
        self._events_appended.notify()
        return bool(self._results)

    def _forget(self, keys: Iterable[LeaseKey]) -> None:
        gone = list(keys)
        self._leases.drop(gone)
        if self._holding.drop(gone):
            self._feeding.wake()

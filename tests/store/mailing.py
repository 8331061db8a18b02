"""A store with the parts that send mail, report what became of it, and count it."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from server.account_health.judging import Judge
from server.account_health.rules import Thresholds
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.record import Attempt, Settlement, settlement
from server.delivery.store import LeasedQueue
from server.delivery.stored import Stored, load
from server.delivery.verdict import Outcome, RetryPolicy, Verdict
from server.emails.schedule import cancel
from server.events import log
from server.ids import new_id
from server.inbound.feedback import Feedback, Kind, record
from server.queue.rows import Claimed
from server.stats.counting import PAGE_SIZE, READER, Counting
from server.stats.store import Stats, statistics
from server.stats.tally import DAY_MS
from server.suppressions.store import NewSuppression, add
from server.wire.caller import KeyCaller
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.delivery.queued import Queued, enqueue, rows_of
from tests.harness.clock import ManualClock
from tests.harness.waiting import WITHIN_S

PATIENCE = RetryPolicy(DAY_MS, 1)
DELIVERED = Outcome(Verdict.DELIVERED, 250, "2.0.0", "ok")
BOUNCED = Outcome(Verdict.BOUNCED, 550, "5.7.1", "no")
DEFERRED = Outcome(Verdict.DEFERRED, 451, "4.7.1", "later")
SUPPRESSED = Outcome(Verdict.SUPPRESSED, 0, "5.7.1", "suppressed by now")
THRESHOLDS = Thresholds(
    bounce=Fraction("0.04"), complaint=Fraction("0.0008"), window_hours=7 * 24, least_sent=100
)


@dataclass
class Mailing:
    """A store with the parts that change emails, and a reader of the log."""

    database: Database
    writer: Writer
    clock: ManualClock
    queue: LeasedQueue
    reader: Counting
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def accept(
        self, org_id: str, people: int, *, scheduled: bool = False, skipped: int = 0, test: bool = False
    ) -> Queued:
        """An email to new addresses, the first `skipped` of which are suppressed."""
        now_ms, made = self.clock.now_ms(), next(self.numbers)
        addresses = [f"{made}-{n}@receiver.test" for n in range(people)]
        unwanted = [
            NewSuppression(org_id=org_id, address=address, origin="manual", created_at=now_ms)
            for address in addresses[:skipped]
        ]
        if unwanted:
            await self.writer.run(add, unwanted)
        at = now_ms + DAY_MS if scheduled else None
        (email,) = await enqueue(
            self.writer, rows_of(org_id, addresses, accepted_at=now_ms, scheduled_at=at, test=test)
        )
        return email

    async def accept_all(self, org_id: str, number: int, *, test: bool = False) -> None:
        """Emails to a new address each."""
        now_ms = self.clock.now_ms()
        addresses = [f"{next(self.numbers)}-0@receiver.test" for _ in range(number)]
        await enqueue(
            self.writer, *(rows_of(org_id, [to], accepted_at=now_ms, test=test) for to in addresses)
        )

    async def cancel(self, email: Queued) -> None:
        """Cancels a scheduled email."""
        assert (
            await self.writer.run(
                cancel, KeyCaller(email.org_id, new_id(), "full"), email.id, self.clock.now_ms()
            )
            is None
        )

    async def settle(self, choose: Callable[[Claimed, Stored], Settlement]) -> None:
        """One attempt for what is due, each with the outcome that `choose` gives."""
        claimed = await self.queue.claim(16)
        loaded, _ = await self.queue.load(claimed)
        await self.queue.settle([choose(row, loaded[row.key[:2]]) for row in claimed])

    async def report(self, email: Queued, no: int, kind: Kind) -> None:
        """A complaint or a late bounce of one recipient. Raises `EmailNotFound`."""
        loaded = await self.database.read(load, [(email.org_id, email.id)], ())
        address = loaded[email.org_id, email.id].addresses[no + 1]
        status = "5.7.1" if kind == "bounced" else None
        feedback = Feedback(email.org_id, email.id, address, kind, "", status)
        await self.writer.run(record, feedback, self.clock.now_ms())

    async def count(self) -> None:
        """Reads the log to its end."""

        def is_at_the_end(tx: Tx) -> bool:
            return READER.places(tx) == log.ends(tx)

        async with asyncio.timeout(WITHIN_S):
            while not await self.database.read(is_at_the_end):
                await self.reader.step()

    async def stats(self, org_id: str, days: int = 90) -> Stats:
        return await self.database.read(statistics, org_id, days, self.clock.now_ms())


def new_mailing(database: Database, writer: Writer, page_size: int = PAGE_SIZE) -> Mailing:
    clock = ManualClock()
    queue = LeasedQueue(database, writer, clock, new_id(), 60.0)
    reader = new_reader(database, writer, clock, page_size)
    return Mailing(database, writer, clock, queue, reader)


def new_reader(
    database: Database, writer: Writer, clock: ManualClock, page_size: int = PAGE_SIZE
) -> Counting:
    """A reader of the log, as each process has one."""
    return Counting(database, writer, Notifier(), Backpressure(), Judge(THRESHOLDS, clock), page_size)


def attempt(row: Claimed, email: Stored, outcome: Outcome, now_ms: int) -> Settlement:
    address = email.addresses[row.key.no]
    return settlement(
        Attempt.of(row, address, email.accepted_at, row.site, alone=email.alone), outcome, now_ms, PATIENCE
    )

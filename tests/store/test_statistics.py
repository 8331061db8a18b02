"""Daily counters on both engines: prompt and exact, each event counted once (Z-29, C-46)."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import insert, select

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.tables.events import events
from server.db.tables.stats import addressees
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.record import Attempt, Settlement, settlement, suppressed
from server.delivery.store import LeasedQueue
from server.delivery.stored import Stored
from server.delivery.verdict import Outcome, RetryPolicy, Verdict
from server.emails.faults import EmailNotFound
from server.emails.schedule import cancel
from server.events import log
from server.events.rows import Place
from server.ids import new_id
from server.inbound.feedback import Feedback, Kind, record
from server.queue.rows import Claimed
from server.stats.counting import READER, Counting
from server.stats.store import Stats, date_of, statistics
from server.stats.tally import DAY_MS
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.delivery.queued import TABLES, Queued, rows_of
from tests.harness.clock import START_MS, ManualClock
from tests.harness.rows import found, stored
from tests.harness.waiting import until

ORGS = [new_id(), new_id()]
TODAY = START_MS // DAY_MS
PATIENCE = RetryPolicy(DAY_MS, 1)
DELIVERED = Outcome(Verdict.DELIVERED, 250, "2.0.0", "ok")
BOUNCED = Outcome(Verdict.BOUNCED, 550, "5.7.1", "no")
DEFERRED = Outcome(Verdict.DEFERRED, 451, "4.7.1", "later")


@dataclass
class Mailing:
    """A store with the parts that change emails, and a reader of the log."""

    database: Database
    writer: Writer
    clock: ManualClock
    queue: LeasedQueue
    reader: Counting

    async def accept(self, org_id: str, people: int, *, status: str = "queued", skipped: int = 0) -> Queued:
        """An email as accepting it leaves it, the first `skipped` of its recipients suppressed."""
        now_ms = self.clock.now_ms()
        rows = rows_of(org_id, [f"{n}@receiver.test" for n in range(people)], accepted_at=now_ms)
        email = rows["emails"][0]
        email["status"] = status
        for row in rows["recipients"]:
            row["status"] = "suppressed" if row["no"] <= skipped else status
        rows["delivery_queue"] = [
            row for row in rows["delivery_queue"] if row["no"] > skipped and status == "queued"
        ]
        begun = "email.sent" if status == "queued" else "email.scheduled"
        entries = [log.Entry(org_id=org_id, email_id=email["id"], type=begun, created_at=now_ms)]
        entries += [
            log.Entry(
                org_id=org_id,
                email_id=email["id"],
                type="email.suppressed",
                created_at=now_ms,
                recipient=row["address"],
            )
            for row in rows["recipients"][:skipped]
        ]

        def write(tx: Tx) -> None:
            for name, table in TABLES.items():
                if rows[name]:
                    tx.change(insert(table), rows[name])
            log.append(tx, entries)

        await self.writer.run(write)
        return Queued(org_id, email["id"])

    async def cancel(self, email: Queued) -> None:
        """Cancels a scheduled email."""
        assert await self.writer.run(cancel, email.org_id, email.id, self.clock.now_ms(), set()) is None

    async def settle(self, choose: Callable[[Claimed, Stored], Settlement]) -> None:
        """One attempt for what is due, each with the outcome that `choose` gives."""
        claimed = await self.queue.claim(16)
        loaded = await self.queue.load({row.key[:2] for row in claimed})
        await self.queue.settle([choose(row, loaded[row.key[:2]]) for row in claimed])

    async def count(self) -> None:
        """Reads the log to its end, which on PostgreSQL other transactions may keep from being seen yet."""

        last = select(events.c.tx, events.c.seq).order_by(events.c.tx.desc(), events.c.seq.desc()).limit(1)

        def is_at_the_end(tx: Tx) -> bool:
            return tx.first(Place, last) == READER.place(tx)

        async def at_the_end() -> bool:
            await self.reader.step()
            return await self.database.read(is_at_the_end)

        await until(at_the_end)

    async def stats(self, org_id: str, days: int = 90) -> Stats:
        return await self.database.read(statistics, org_id, days, self.clock.now_ms())


@pytest.fixture
def mailing(database: Database, writer: Writer) -> Mailing:
    clock = ManualClock()
    queue = LeasedQueue(database, writer, clock, new_id(), 60.0)
    return Mailing(database, writer, clock, queue, Counting(database, writer, Notifier(), Backpressure()))


def attempt(row: Claimed, email: Stored, outcome: Outcome, now_ms: int) -> Settlement:
    address = email.addresses[row.key.no]
    return settlement(
        Attempt.of(row, address, email.accepted_at, alone=email.alone), outcome, now_ms, PATIENCE
    )


async def naive(database: Database, org_id: str) -> tuple[Counter[str], Counter[str]]:
    """Emails by their present status; recipients to whom each kind of thing happened."""

    def read(tx: Tx) -> tuple[Counter[str], Counter[str]]:
        statuses = tx.scalars(str, select(emails.c.status).where(emails.c.org_id == org_id))
        query = select(events.c.email_id, events.c.recipient, events.c.type).where(events.c.org_id == org_id)
        happened = found(tx, query.where(events.c.recipient != "").distinct())
        return Counter(statuses), Counter(row.type.removeprefix("email.") for row in happened)

    return await database.read(read)


def happened_to(totals: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in totals.items() if count and name != "sent"}


async def test_organisation_without_mail_has_days_of_zeroes(mailing: Mailing) -> None:
    counted = await mailing.stats(ORGS[0], 3)
    assert counted.daily == {date_of(TODAY - 2): {}, date_of(TODAY - 1): {}, "2027-01-15": {}}
    assert (counted.totals, counted.by_status, counted.rate("delivered", "sent")) == ({}, {}, 0.0)


async def test_a_delivery_is_counted_on_the_day_its_email_was_accepted(mailing: Mailing) -> None:
    await mailing.accept(ORGS[0], 2)
    mailing.clock.advance(DAY_MS / 1000)
    await mailing.accept(ORGS[0], 1)
    await mailing.settle(lambda row, email: attempt(row, email, DELIVERED, mailing.clock.now_ms()))
    await mailing.count()
    counted = await mailing.stats(ORGS[0], 2)
    assert counted.daily == {
        date_of(TODAY): {"sent": 2, "delivered": 2},
        date_of(TODAY + 1): {"sent": 1, "delivered": 1},
    }
    assert counted.by_status == {"delivered": 2}
    assert (await mailing.stats(ORGS[0], 1)).totals == {"sent": 1, "delivered": 1}


async def test_reader_records_emails_by_recipient_address(mailing: Mailing) -> None:
    """F-6: the search finds them however old they are."""
    first = await mailing.accept(ORGS[0], 2)
    second = await mailing.accept(ORGS[0], 1, status="scheduled")
    await mailing.settle(lambda row, email: attempt(row, email, DELIVERED, mailing.clock.now_ms()))
    await mailing.count()
    rows = await stored(mailing.database, select(addressees.c.address, addressees.c.email_id))
    assert set(rows) == {
        (b"0@receiver.test", first.id),
        (b"1@receiver.test", first.id),
        (b"0@receiver.test", second.id),
    }


async def test_rates_are_fractions_of_the_totals(mailing: Mailing) -> None:
    await mailing.accept(ORGS[0], 4)
    outcomes = iter([DELIVERED, DELIVERED, BOUNCED, DEFERRED])
    await mailing.settle(lambda row, email: attempt(row, email, next(outcomes), mailing.clock.now_ms()))
    await mailing.count()
    counted = await mailing.stats(ORGS[0])
    assert (counted.rate("delivered", "sent"), counted.rate("bounced", "sent")) == (0.5, 0.25)


async def test_events_are_counted_once_however_many_processes_read(mailing: Mailing) -> None:
    for _ in range(20):
        await mailing.accept(ORGS[0], 1)
    readers = [
        Counting(mailing.database, mailing.writer, Notifier(), Backpressure(), page_size=3) for _ in range(5)
    ]
    for _ in range(20):
        await asyncio.gather(*(reader.step() for reader in readers))
    await mailing.count()
    assert (await mailing.stats(ORGS[0])).totals == {"sent": 20}


@pytest.mark.parametrize("seed", range(3))
async def test_counters_equal_a_full_count(mailing: Mailing, seed: int) -> None:
    """Random mail with random fates, read in random pages: the counters equal those of a naive count."""
    chance = random.Random(seed)
    mailing.reader = Counting(
        mailing.database, mailing.writer, Notifier(), Backpressure(), page_size=chance.randint(4, 20)
    )
    sent = Counter[str]()
    made: list[Queued] = []
    waiting: list[Queued] = []

    def fate(row: Claimed, email: Stored) -> Settlement:
        if chance.random() < 0.15:
            address = email.addresses[row.key.no]
            sent[row.key.org_id] -= 1
            return suppressed(Attempt.of(row, address, email.accepted_at, alone=email.alone))
        outcome = chance.choice([DELIVERED, DELIVERED, BOUNCED, DEFERRED])
        made = attempt(row, email, outcome, mailing.clock.now_ms())
        return made if made.due_at is None else replace(made, due_at=mailing.clock.now_ms())

    async def complain(made: Sequence[Queued]) -> None:
        email = chance.choice(made)
        who = await mailing.queue.load([(email.org_id, email.id)])
        address = chance.choice(list(who[email.org_id, email.id].addresses.values()))
        kind: Kind = chance.choice(["complained", "bounced"])
        feedback = Feedback(email.org_id, email.id, address, kind, "", "5.7.1" if kind == "bounced" else None)
        await mailing.writer.run(record, feedback, mailing.clock.now_ms())

    for _ in range(60):
        mailing.clock.advance(chance.choice([0, 60, 7 * 3600]))
        org_id = chance.choice(ORGS)
        match chance.randrange(7):
            case 0 | 1:
                people = chance.randint(1, 4)
                skipped = chance.randint(0, people - 1)
                made.append(await mailing.accept(org_id, people, skipped=skipped))
                sent[org_id] += people - skipped
            case 2:
                skipped = chance.randint(0, 1)
                waiting.append(await mailing.accept(org_id, 2, status="scheduled", skipped=skipped))
            case 3 if waiting:
                await mailing.cancel(waiting.pop())
            case 4 | 5:
                await mailing.settle(fate)
            case 6 if made:
                with contextlib.suppress(EmailNotFound):
                    await complain(made)
        if chance.random() < 0.4:
            await mailing.reader.step()
    await mailing.count()
    for org_id in ORGS:
        counted = await mailing.stats(org_id)
        by_status, happened = await naive(mailing.database, org_id)
        assert counted.by_status == by_status
        assert happened_to(counted.totals) == {
            name: count for name, count in happened.items() if name != "delivery_delayed"
        }
        assert counted.totals["sent"] == sent[org_id]
        assert sum((counts["sent"] for counts in counted.daily.values()), 0) == counted.totals["sent"]

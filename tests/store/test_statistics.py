"""The daily counters on both engines: never behind for long, never twice, never wrong (Z-29, C-46)."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.schema import addressees, emails, events, log_readers
from server.db.writer import Writer
from server.delivery.record import Attempt, settlement, suppressed
from server.delivery.rows import Claimed, Settlement
from server.delivery.store import Queue
from server.delivery.verdict import Outcome, RetryPolicy, Verdict
from server.emails import counting
from server.emails.counting import READER, Counting
from server.emails.schedule import cancel
from server.emails.stats import Stats, date_of, stats
from server.emails.tally import DAY_MS
from server.events import log
from server.events.bell import Bell
from server.faults import EmailNotFound
from server.ids import new_id
from server.inbound.feedback import Feedback, What, record
from tests.delivery.queued import TABLES, Queued, rows_of
from tests.harness.clock import START_MS, ManualClock
from tests.harness.waiting import until

ORGS = [new_id(), new_id()]
TODAY = START_MS // DAY_MS
PATIENCE = RetryPolicy(DAY_MS, 1)
DELIVERED = Outcome(Verdict.DELIVERED, 250, "2.0.0", "ok")
BOUNCED = Outcome(Verdict.BOUNCED, 550, "5.7.1", "no")
DEFERRED = Outcome(Verdict.DEFERRED, 451, "4.7.1", "later")


@dataclass
class House:
    """A store with the parts that change emails, and a reader of the log."""

    database: Database
    writer: Writer
    clock: ManualClock
    queue: Queue
    reader: Counting

    async def accept(self, org_id: str, people: int, *, status: str = "queued", skipped: int = 0) -> Queued:
        """An email as accepting it leaves it, the first `skipped` of its recipients suppressed."""
        now_ms = self.clock.now_ms()
        rows = rows_of(org_id, [f"{n}@receiver.test" for n in range(people)], accepted_at=now_ms)
        email = rows["emails"][0]
        email["status"] = status
        for row in rows["recipients"]:
            row["status"] = "suppressed" if row["no"] <= skipped else status
        rows["outq"] = [row for row in rows["outq"] if row["no"] > skipped and status == "queued"]
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

        async def act(connection: AsyncConnection) -> None:
            for name, table in TABLES.items():
                if rows[name]:
                    await connection.execute(insert(table), rows[name])
            await log.append(connection, entries)

        await self.writer.run(act)
        return Queued(org_id, email["id"])

    async def cancel(self, email: Queued) -> None:
        """Cancels a scheduled email."""
        now_ms = self.clock.now_ms()
        fault = await self.writer.run(lambda store: cancel(store, email.org_id, email.id, now_ms, set()))
        assert fault is None

    async def settle(self, choose: Any) -> None:
        """One attempt for what is due, each with the outcome that `choose` gives."""
        claimed = await self.queue.claim(16)
        stored = await self.queue.load({row.key[:2] for row in claimed})
        await self.queue.settle([choose(row, stored[row.key[:2]]) for row in claimed])

    async def count(self) -> None:
        """Reads the log to its end, which on PostgreSQL other transactions may keep from being seen yet."""

        async def at_the_end() -> bool:
            await self.reader.step()
            last = (
                select(events.c.tx, events.c.seq).order_by(events.c.tx.desc(), events.c.seq.desc()).limit(1)
            )
            reached = select(log_readers.c.tx, log_readers.c.seq).where(log_readers.c.reader == READER.name)
            async with self.database.read() as connection:
                end = (await connection.execute(last)).one()
                return end == (await connection.execute(reached)).one_or_none()

        await until(at_the_end)

    async def stats(self, org_id: str, days: int = 90) -> Stats:
        async with self.database.read() as connection:
            return await stats(connection, org_id, days, self.clock.now_ms())


@pytest.fixture
def house(database: Database, writer: Writer) -> House:
    clock = ManualClock()
    queue = Queue(database, writer, clock, new_id(), 60.0)
    return House(database, writer, clock, queue, Counting(database, writer, Bell()))


def attempt(row: Claimed, stored: Any, outcome: Outcome, now_ms: int) -> Settlement:
    address = stored.addresses[row.key.no]
    return settlement(
        Attempt.of(row, address, stored.accepted_at, alone=stored.alone), outcome, now_ms, PATIENCE
    )


async def naive(database: Database, org_id: str) -> tuple[Counter[str], Counter[str]]:
    """Emails by their present status; recipients to whom each kind of thing happened."""
    async with database.read() as connection:
        statuses = await connection.scalars(select(emails.c.status).where(emails.c.org_id == org_id))
        query = select(events.c.email_id, events.c.recipient, events.c.type).where(events.c.org_id == org_id)
        told = await connection.execute(query.where(events.c.recipient != "").distinct())
        return Counter(statuses), Counter(type.removeprefix("email.") for _, _, type in told)


def told(totals: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in totals.items() if count and name != "sent"}


async def test_an_organisation_without_mail_has_days_of_nothing(house: House) -> None:
    found = await house.stats(ORGS[0], 3)
    assert found.daily == {date_of(TODAY - 2): {}, date_of(TODAY - 1): {}, "2027-01-15": {}}
    assert (found.totals, found.by_status, found.rate("delivered", "sent")) == ({}, {}, 0.0)


async def test_a_delivery_is_counted_on_the_day_its_email_was_accepted(house: House) -> None:
    await house.accept(ORGS[0], 2)
    house.clock.advance(DAY_MS / 1000)
    await house.accept(ORGS[0], 1)
    await house.settle(lambda row, stored: attempt(row, stored, DELIVERED, house.clock.now_ms()))
    await house.count()
    found = await house.stats(ORGS[0], 2)
    assert found.daily == {
        date_of(TODAY): {"sent": 2, "delivered": 2},
        date_of(TODAY + 1): {"sent": 1, "delivered": 1},
    }
    assert found.by_status == {"delivered": 2}
    assert (await house.stats(ORGS[0], 1)).totals == {"sent": 1, "delivered": 1}


async def test_the_reader_notes_which_emails_went_to_an_address(house: House) -> None:
    """F-6: the search finds them however old they are."""
    first = await house.accept(ORGS[0], 2)
    second = await house.accept(ORGS[0], 1, status="scheduled")
    await house.settle(lambda row, stored: attempt(row, stored, DELIVERED, house.clock.now_ms()))
    await house.count()
    async with house.database.read() as connection:
        rows = await connection.execute(select(addressees.c.address, addressees.c.email_id))
        assert {tuple(row) for row in rows} == {
            (b"0@receiver.test", first.id),
            (b"1@receiver.test", first.id),
            (b"0@receiver.test", second.id),
        }


async def test_rates_are_parts_of_the_whole(house: House) -> None:
    await house.accept(ORGS[0], 4)
    outcomes = iter([DELIVERED, DELIVERED, BOUNCED, DEFERRED])
    await house.settle(lambda row, stored: attempt(row, stored, next(outcomes), house.clock.now_ms()))
    await house.count()
    found = await house.stats(ORGS[0])
    assert (found.rate("delivered", "sent"), found.rate("bounced", "sent")) == (0.5, 0.25)


async def test_events_are_counted_once_however_many_processes_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PAGE", 3)
    for _ in range(20):
        await house.accept(ORGS[0], 1)
    others = [Counting(house.database, house.writer, Bell()) for _ in range(4)]
    for _ in range(20):
        await asyncio.gather(*(reader.step() for reader in (house.reader, *others)))
    await house.count()
    assert (await house.stats(ORGS[0])).totals == {"sent": 20}


@pytest.mark.parametrize("seed", range(3))
async def test_the_counters_equal_a_count_of_everything(
    house: House, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Random mail with random fates, read in random pages: what is counted is what a naive count finds."""
    chance = random.Random(seed)
    monkeypatch.setattr(counting, "PAGE", chance.randint(4, 20))
    sent = Counter[str]()
    made: list[Queued] = []
    waiting: list[Queued] = []

    def fate(row: Claimed, stored: Any) -> Settlement:
        if chance.random() < 0.15:
            address = stored.addresses[row.key.no]
            sent[row.key.org_id] -= 1
            return suppressed(Attempt.of(row, address, stored.accepted_at, alone=stored.alone))
        outcome = chance.choice([DELIVERED, DELIVERED, BOUNCED, DEFERRED])
        found = attempt(row, stored, outcome, house.clock.now_ms())
        return found if found.due_at is None else replace(found, due_at=house.clock.now_ms())

    async def complain(made: Sequence[Queued]) -> None:
        email = chance.choice(made)
        who = await house.queue.load([(email.org_id, email.id)])
        address = chance.choice(list(who[email.org_id, email.id].addresses.values()))
        what: What = chance.choice(["complained", "bounced"])
        feedback = Feedback(email.org_id, email.id, address, what, "", "5.7.1" if what == "bounced" else None)
        await house.writer.run(lambda connection: record(connection, feedback, house.clock.now_ms()))

    for _ in range(60):
        house.clock.advance(chance.choice([0, 60, 7 * 3600]))
        org_id = chance.choice(ORGS)
        match chance.randrange(7):
            case 0 | 1:
                people = chance.randint(1, 4)
                skipped = chance.randint(0, people - 1)
                made.append(await house.accept(org_id, people, skipped=skipped))
                sent[org_id] += people - skipped
            case 2:
                skipped = chance.randint(0, 1)
                waiting.append(await house.accept(org_id, 2, status="scheduled", skipped=skipped))
            case 3 if waiting:
                await house.cancel(waiting.pop())
            case 4 | 5:
                await house.settle(fate)
            case 6 if made:
                with contextlib.suppress(EmailNotFound):
                    await complain(made)
        if chance.random() < 0.4:
            await house.reader.step()
    await house.count()
    for org_id in ORGS:
        found = await house.stats(org_id)
        by_status, happened = await naive(house.database, org_id)
        assert found.by_status == by_status
        assert told(found.totals) == {
            name: count for name, count in happened.items() if name != "delivery_delayed"
        }
        assert found.totals["sent"] == sent[org_id]
        assert sum((counts["sent"] for counts in found.daily.values()), 0) == found.totals["sent"]

"""Daily counters on both engines: prompt and exact, each event counted once (Z-29, C-46)."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import delete, select

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.tables.stats import addressees
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.record import Settlement
from server.delivery.stored import Stored
from server.delivery.verdict import Outcome
from server.emails.faults import EmailNotFound
from server.ids import new_id
from server.inbound.feedback import Kind
from server.queue.rows import Claimed
from server.stats.store import date_of
from server.stats.tally import DAY_MS
from tests.delivery.queued import Queued
from tests.harness.clock import START_MS
from tests.harness.rows import found, stored
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten
from tests.store.mailing import (
    BOUNCED,
    DEFERRED,
    DELIVERED,
    SUPPRESSED,
    Mailing,
    attempt,
    new_mailing,
    new_reader,
)

ORGS = [new_id(), new_id()]
TODAY = START_MS // DAY_MS


@pytest.fixture
def mailing(database: Database, writer: Writer) -> Mailing:
    return new_mailing(database, writer)


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
    second = await mailing.accept(ORGS[0], 1, scheduled=True)
    await mailing.settle(lambda row, email: attempt(row, email, DELIVERED, mailing.clock.now_ms()))
    await mailing.count()
    rows = await stored(mailing.database, select(addressees.c.address, addressees.c.email_id))
    assert set(rows) == {
        (b"0-0@receiver.test", first.id),
        (b"0-1@receiver.test", first.id),
        (b"1-0@receiver.test", second.id),
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
    readers = [new_reader(mailing.database, mailing.writer, mailing.clock, page_size=3) for _ in range(5)]
    for _ in range(20):
        await asyncio.gather(*(reader.step() for reader in readers))
    await mailing.count()
    assert (await mailing.stats(ORGS[0])).totals == {"sent": 20}


class Fates(StoreMachine):
    """Mail with any fate, read in pages of any size: the counters equal those of a naive count."""

    @initialize(page_size=st.integers(4, 20), people=st.lists(st.integers(1, 4), min_size=1, max_size=3))
    def begin(self, page_size: int, people: list[int]) -> None:
        self.mailing = new_mailing(self.store.database, self.store.writer, page_size)
        self.orgs = [new_id(), new_id()]
        self.sent = Counter[str]()
        self.made: list[tuple[Queued, int]] = []
        self.waiting: list[Queued] = []
        for count in people:
            self.accept(0, count, skipped=0)

    @rule(org=st.integers(0, 1), people=st.integers(1, 4), skipped=st.integers(0, 3))
    def accept(self, org: int, people: int, skipped: int) -> None:
        org_id, skipped = self.orgs[org], min(skipped, people - 1)
        email = self.run(self.mailing.accept, org_id, people, skipped=skipped)
        self.made.append((email, people))
        self.sent[org_id] += people - skipped

    @rule(org=st.integers(0, 1), skipped=st.integers(0, 1))
    def schedule(self, org: int, skipped: int) -> None:
        email = self.run(self.mailing.accept, self.orgs[org], 2, scheduled=True, skipped=skipped)
        self.waiting.append(email)

    @precondition(lambda self: self.waiting)
    @rule()
    def cancel(self) -> None:
        self.run(self.mailing.cancel, self.waiting.pop())

    @precondition(lambda self: self.made)
    @rule(fates=st.lists(st.sampled_from((DELIVERED, BOUNCED, DEFERRED, SUPPRESSED)), min_size=1, max_size=4))
    def settle(self, fates: list[Outcome]) -> None:
        """One attempt for what is due."""

        def choose(row: Claimed, email: Stored) -> Settlement:
            outcome = fates[row.key.no % len(fates)]
            if outcome is SUPPRESSED:
                self.sent[row.key.org_id] -= 1
            made = attempt(row, email, outcome, self.mailing.clock.now_ms())
            return made if made.due_at is None else replace(made, due_at=self.mailing.clock.now_ms())

        self.run(self.mailing.settle, choose)

    @precondition(lambda self: self.made)
    @rule(
        which=st.integers(0, 10**6),
        no=st.integers(0, 3),
        kinds=st.lists(st.sampled_from(("complained", "bounced")), min_size=1, max_size=3),
    )
    def feedback(self, which: int, no: int, kinds: list[Kind]) -> None:
        email, people = self.made[which % len(self.made)]
        with contextlib.suppress(EmailNotFound):
            for kind in kinds:
                self.run(self.mailing.report, email, no % people, kind)

    @rule()
    def read_a_page(self) -> None:
        self.run(self.mailing.reader.step)

    @rule(seconds=st.sampled_from((60, 7 * 3600)))
    def wait(self, seconds: int) -> None:
        self.mailing.clock.advance(seconds)

    def teardown(self) -> None:
        try:
            self.run(self.mailing.count)
            for org_id in self.orgs:
                self.run(self.compare, org_id)
        finally:
            self.run(self.store.writer.run, Tx.change, delete(delivery_queue))

    async def compare(self, org_id: str) -> None:
        counted = await self.mailing.stats(org_id)
        by_status, happened = await naive(self.store.database, org_id)
        assert counted.by_status == by_status
        assert happened_to(counted.totals) == {
            name: count for name, count in happened.items() if name != "delivery_delayed"
        }
        assert counted.totals["sent"] == self.sent[org_id]
        assert sum((counts["sent"] for counts in counted.daily.values()), 0) == counted.totals["sent"]


@with_time_to_shorten
def test_counters_equal_a_full_count(store: Store) -> None:
    explore(Fates, examples=25, steps=30, store=store)

"""The delivery queue on both engines: claims, leases, and results that come too late."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from server.db.database import Database
from server.db.writer import Writer, running_writer
from server.delivery.clearance import refusals
from server.delivery.orphans import expired, left_by
from server.delivery.record import Settlement
from server.delivery.store import LeasedQueue
from server.delivery.stored import load
from server.ids import new_id
from server.queue import store
from server.queue.rows import Claimed, LeaseKey, NewRow, Release, Retry
from server.queue.store import ORGANISATIONS_PER_CLAIM, VISITED_PER_CLAIM
from server.turns import Shares
from tests.delivery.queued import (
    Queued,
    enqueue,
    events_of,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.sqlite_plans import plans_of, scans

LEASE_S = 60.0
ORG = new_id()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(database: Database, writer: Writer, clock: ManualClock) -> LeasedQueue:
    return LeasedQueue(database, writer, clock, new_id(), LEASE_S)


@pytest.fixture
async def other(database: Database, clock: ManualClock) -> AsyncIterator[LeasedQueue]:
    """Another engine of the same store, in another process as it were."""
    writer = Writer(database)
    writer.start()
    yield LeasedQueue(database, writer, clock, new_id(), LEASE_S)
    await writer.close()


def settlement(
    row: Claimed, status: str = "delivered", *, alone: bool = True, **changes: object
) -> Settlement:
    given = Settlement(
        key=row.key,
        address="ada@receiver.test",
        status=status,
        attempts=row.attempts + 1,
        due_at=START_MS + 60_000 if status == "delivery_delayed" else None,
        code=250,
        enhanced="2.0.0",
        text="ok",
        host="mx.test",
        uncertain=False,
        possible_duplicate=False,
        alone=alone,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


async def emails(
    writer: Writer,
    count: int,
    *,
    org_id: str = ORG,
    accepted_at: int = START_MS,
    priority: int | None = None,
) -> list[Queued]:
    made = [rows_of(org_id, [f"{n}@receiver.test"], accepted_at=accepted_at) for n in range(count)]
    return await enqueue(writer, *made, priority=priority)


def ids(claimed: list[Claimed]) -> list[str]:
    return sorted(row.key.email_id for row in claimed)


async def test_a_row_is_claimed_once(writer: Writer, queue: LeasedQueue, other: LeasedQueue) -> None:
    waiting = await emails(writer, 50)
    claims = await asyncio.gather(*(q.claim(10) for q in (queue, other) for _ in range(4)))
    assert sorted(i for claimed in claims for i in ids(claimed)) == sorted(email.id for email in waiting)
    assert all(len(claimed) <= 10 for claimed in claims)
    assert await queue.claim(10) == []


async def test_claim_takes_due_rows_oldest_first(
    writer: Writer, queue: LeasedQueue, clock: ManualClock
) -> None:
    later = await emails(writer, 2, accepted_at=START_MS + 1000)
    newer = await emails(writer, 2, accepted_at=START_MS)
    older = await emails(writer, 2, accepted_at=START_MS - 1000)
    assert ids(await queue.claim(2)) == sorted(email.id for email in older)
    assert ids(await queue.claim(10)) == sorted(email.id for email in newer)
    assert await queue.claim(10) == []
    clock.advance(1)
    assert ids(await queue.claim(10)) == sorted(email.id for email in later)


async def test_backlog_of_one_organisation_does_not_block_another(writer: Writer, queue: LeasedQueue) -> None:
    await emails(writer, 300, org_id=new_id(), accepted_at=START_MS - 9999)
    [single] = await enqueue(writer, rows_of(new_id(), ["ada@receiver.test"]))
    assert single.id in ids(await queue.claim(20))


async def test_organisations_take_turns_from_claim_to_claim(writer: Writer, queue: LeasedQueue) -> None:
    orgs = [new_id() for _ in range(ORGANISATIONS_PER_CLAIM * 2)]
    await enqueue(writer, *(rows_of(org_id, ["a@receiver.test"]) for org_id in orgs for _ in range(3)))
    claims = [await queue.claim(16) for _ in range(len(orgs) * 3 // 16)]
    first_round = [row.key.org_id for claimed in claims[: len(orgs) // 16] for row in claimed]
    assert sorted(first_round) == sorted(orgs), "each has one turn before any has its second"
    assert len({row.key for claimed in claims for row in claimed}) == len(orgs) * 3
    assert await queue.claim(16) == []


async def test_claim_looks_at_some_organisations_and_the_next_one_goes_on(
    writer: Writer, queue: LeasedQueue
) -> None:
    """Thousands of organisations whose mail is not due yet: none of them is looked at twice in a round."""
    waiting = [new_id() for _ in range(VISITED_PER_CLAIM)]
    last = "f" * 24
    await enqueue(
        writer,
        *(rows_of(org_id, ["a@receiver.test"], accepted_at=START_MS + 1) for org_id in waiting),
        rows_of(last, ["a@receiver.test"]),
    )
    assert (await queue.claim(10), queue.was_round) == ([], False)
    [found] = await queue.claim(10)
    assert (found.key.org_id, queue.was_round) == (last, True)
    assert (await queue.claim(10), queue.was_round) == ([], False)
    assert (await queue.claim(10), queue.was_round) == ([], True)


async def test_organisation_gets_no_more_rows_than_its_share_of_what_the_engine_holds(
    writer: Writer, queue: LeasedQueue
) -> None:
    greedy, modest = sorted([new_id(), new_id()])
    await emails(writer, 30, org_id=greedy)
    held = Shares(20)
    claimed = await queue.claim(20, held.copy())
    assert len(claimed) == 15
    held.take(greedy, 15)
    assert await queue.claim(5, held.copy()) == []
    await emails(writer, 3, org_id=modest)
    assert {row.key.org_id for row in await queue.claim(5, held.copy())} == {modest}


async def test_urgent_mail_goes_first(writer: Writer, queue: LeasedQueue) -> None:
    await emails(writer, 50, org_id=new_id(), priority=2)
    await emails(writer, 50, org_id=new_id(), priority=1)
    urgent = await emails(writer, 5, org_id=new_id(), priority=0)
    claimed = await queue.claim(16)
    assert set(ids(claimed)) >= {email.id for email in urgent}


async def test_urgent_mail_does_not_starve_the_rest(writer: Writer, queue: LeasedQueue) -> None:
    await emails(writer, 50, org_id=new_id(), priority=0)
    ordinary = await emails(writer, 50, org_id=new_id(), priority=1)
    bulk = await emails(writer, 50, org_id=new_id(), priority=2)
    claimed = set(ids(await queue.claim(16)))
    assert claimed & {email.id for email in ordinary}
    assert claimed & {email.id for email in bulk}


async def test_a_delivered_email_leaves_the_queue_with_its_record(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    [email] = await emails(writer, 1)
    [row] = await queue.claim(1)
    assert await queue.settle([settlement(row)]) == [True]
    assert await queue_of(database) == []
    assert await status_of(database, email) == "delivered"
    [recipient] = await recipients_of(database, email)
    assert (recipient.status, recipient.attempts, recipient.reply_code) == ("delivered", 1, 250)
    [event] = await events_of(database, email)
    assert (event.type, event.attempt, event.reply_text) == ("email.delivered", 1, "ok")
    assert event.recipient == "0@receiver.test"


async def test_deferred_email_is_claimed_again_when_due(
    database: Database, writer: Writer, queue: LeasedQueue, clock: ManualClock
) -> None:
    [email] = await emails(writer, 1)
    [row] = await queue.claim(1)
    await queue.settle([settlement(row, "delivery_delayed", uncertain=True)])
    assert await queue.claim(1) == []
    assert await status_of(database, email) == "delivery_delayed"
    clock.advance(60)
    [again] = await queue.claim(1)
    assert (again.attempts, again.uncertain, again.key.token) == (1, True, row.key.token + 1)


async def test_results_after_the_lease_was_lost_change_nothing(
    database: Database, writer: Writer, queue: LeasedQueue, other: LeasedQueue
) -> None:
    """The engine stood still, another took the row over and settled it."""
    [email] = await emails(writer, 1)
    [row] = await queue.claim(1)
    [left] = await other.leftovers(queue.owner)
    await other.release([Release(left.key)])
    [taken] = await other.claim(1)
    for late in (row.key, taken.key._replace(token=row.key.token), taken.key._replace(owner=queue.owner)):
        assert await queue.settle([settlement(row._replace(key=late), "bounced")]) == [False]
        assert await queue.release([Release(late)]) == [False]
        assert await queue.renew([late]) == []
    assert await events_of(database, email) == []
    assert await other.settle([settlement(taken)]) == [True]
    assert await other.settle([settlement(taken)]) == [False], "settled is final"
    assert [event.type for event in await events_of(database, email)] == ["email.delivered"]
    assert await status_of(database, email) == "delivered"


async def test_late_result_does_not_affect_others_of_its_list(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    await emails(writer, 3)
    first, second, third = await queue.claim(3)
    await queue.settle([settlement(second)])
    assert await queue.settle([settlement(row) for row in (first, second, third)]) == [True, False, True]
    assert await queue_of(database) == []


async def test_hundreds_of_rows_are_settled_in_one_transaction(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    waiting = await emails(writer, 300)
    claimed = await queue.claim(300)
    assert len(claimed) == 300
    assert all(await queue.settle([settlement(row) for row in claimed]))
    assert {await status_of(database, email) for email in waiting[::50]} == {"delivered"}


async def test_an_email_has_the_worst_status_of_its_recipients(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    [email] = await enqueue(writer, rows_of(ORG, ["a@r.test", "b@r.test", "c@r.test"]))
    rows = {row.key.no: row for row in await queue.claim(10)}
    expected = []
    for no, status in ((1, "delivered"), (2, "bounced"), (3, "failed")):
        await queue.settle([settlement(rows[no], status, alone=False)])
        expected.append(await status_of(database, email))
    assert expected == ["queued", "queued", "bounced"]


async def test_two_engines_that_settle_one_email_agree_on_its_status(
    database: Database, writer: Writer, queue: LeasedQueue, other: LeasedQueue
) -> None:
    addresses = [f"{n}@r.test" for n in range(2)]
    waiting = await enqueue(writer, *(rows_of(ORG, addresses) for _ in range(40)))
    claimed = {row.key[1:3]: row for row in await queue.claim(80)}
    for email in waiting:
        first, second = claimed[email.id, 1], claimed[email.id, 2]
        await asyncio.gather(
            queue.settle([settlement(first, alone=False)]), other.settle([settlement(second, alone=False)])
        )
    assert {await status_of(database, email) for email in waiting} == {"delivered"}


async def test_heartbeat_extends_the_lease(
    writer: Writer, queue: LeasedQueue, other: LeasedQueue, clock: ManualClock
) -> None:
    await emails(writer, 2)
    kept, lost = await queue.claim(2)
    clock.advance(LEASE_S - 1)
    assert await queue.renew([kept.key]) == [kept.key]
    clock.advance(2)
    assert [row.key for row in await other.expired(10)] == [lost.key]
    clock.advance(LEASE_S)
    assert {row.key for row in await other.expired(10)} == {kept.key, lost.key}


async def test_released_row_keeps_its_due_time(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    await emails(writer, 1)
    [before] = await queue_of(database)
    [row] = await queue.claim(1)
    await queue.release([Release(row.key)])
    [after] = await queue_of(database)
    assert after.lease_token == 1
    assert after._asdict() | {"lease_token": 0} == before._asdict()


async def test_release_can_record_a_crash(writer: Writer, queue: LeasedQueue) -> None:
    await emails(writer, 1)
    [row] = await queue.claim(1)
    await queue.release([Release(row.key, due_at=START_MS - 5, crashes=2, uncertain=True)])
    [again] = await queue.claim(1)
    assert (again.crashes, again.uncertain, again.attempts) == (2, True, 0)


async def test_messages_are_loaded_with_all_their_recipients(writer: Writer, database: Database) -> None:
    made = await enqueue(
        writer, rows_of(ORG, ["a@r.test"], bcc=["b@r.test"], text="one"), rows_of(new_id(), ["c@r.test"])
    )
    keys = [(email.org_id, email.id) for email in made] + [(ORG, new_id())]
    loaded = await database.read(load, keys, ())
    assert set(loaded) == {(email.org_id, email.id) for email in made}
    first, second = (loaded[email.org_id, email.id] for email in made)
    assert first.addresses == {1: "a@r.test", 2: "b@r.test"}
    assert first.kinds == {1: "to", 2: "bcc"}
    assert (first.email.text, first.alone, second.alone) == ("one", False, True)


async def test_a_message_is_not_loaded_for_another_organisation(writer: Writer, database: Database) -> None:
    [email] = await emails(writer, 1)
    assert await database.read(load, [(new_id(), email.id)], ()) == {}


async def test_claims_find_their_rows_by_index(sqlite_url: str) -> None:
    """Rows are looked up by index; nothing reads the queue from end to end."""
    async with running_writer(sqlite_url) as writer:
        await emails(writer, 1)
    steps = plans_of(sqlite_url, store.claim, 10, owner="me", now=START_MS, until=START_MS + 1)
    read = [step for step in steps if re.match(r"(SCAN|SEARCH) (delivery_queue|q)\b", step)]
    assert len(read) > 4
    assert not [step for step in read if "ix_delivery_queue_due" not in step and "PRIMARY KEY" not in step], (
        read
    )


async def test_results_and_recovery_find_their_rows_by_index(sqlite_url: str) -> None:
    key = LeaseKey(ORG, new_id(), 1, 1, "me")
    row = NewRow(ORG, key.email_id, 1, "receiver.test", False, START_MS)
    steps = [
        *plans_of(sqlite_url, store.leased, [key]),
        *plans_of(sqlite_url, store.renew, [key], START_MS),
        *plans_of(sqlite_url, store.release, [Release(key)]),
        *plans_of(sqlite_url, store.resume, START_MS, 10),
        *plans_of(sqlite_url, refusals, [key[:3]], START_MS),
        *plans_of(sqlite_url, store.finish, [key]),
        *plans_of(sqlite_url, store.reschedule, [Retry(key, START_MS, 1, False)]),
        *plans_of(sqlite_url, store.remove, [key[:3]]),
        *plans_of(sqlite_url, store.enqueue, [row]),
        *plans_of(sqlite_url, left_by, "me"),
        *plans_of(sqlite_url, expired, START_MS, 10),
    ]
    assert steps
    assert scans(steps) == []

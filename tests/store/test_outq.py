"""The delivery queue, on both engines: who may claim what, and whose results count."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from server.db.engine import Database
from server.db.writer import Writer
from server.delivery import statements
from server.delivery.rows import Claimed, Release, Settlement
from server.delivery.store import LANES_AT_ONCE, Queue
from server.ids import new_id
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

LEASE_S = 60.0
ORG = new_id()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(database: Database, writer: Writer, clock: ManualClock) -> Queue:
    return Queue(database, writer, clock, new_id(), LEASE_S)


@pytest.fixture
async def other(database: Database, clock: ManualClock) -> AsyncIterator[Queue]:
    """Another engine of the same store, in another process as it were."""
    writer = Writer(database)
    writer.start()
    yield Queue(database, writer, clock, new_id(), LEASE_S)
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


async def emails(database: Database, count: int, **options: object) -> list[Queued]:
    made = [rows_of(ORG, [f"{n}@receiver.test"], **options) for n in range(count)]  # type: ignore[arg-type]
    return await enqueue(database, *made)


def ids(claimed: list[Claimed]) -> list[str]:
    return sorted(row.key.email_id for row in claimed)


async def test_a_row_is_claimed_once(database: Database, queue: Queue, other: Queue) -> None:
    waiting = await emails(database, 50)
    claims = await asyncio.gather(*(q.claim(10) for q in (queue, other) for _ in range(4)))
    assert sorted(i for claimed in claims for i in ids(claimed)) == sorted(email.id for email in waiting)
    assert all(len(claimed) <= 10 for claimed in claims)
    assert await queue.claim(10) == []


async def test_a_claim_takes_what_is_due_the_oldest_first(
    database: Database, queue: Queue, clock: ManualClock
) -> None:
    later = await emails(database, 2, accepted_at=START_MS + 1000)
    newer = await emails(database, 2, accepted_at=START_MS)
    older = await emails(database, 2, accepted_at=START_MS - 1000)
    assert ids(await queue.claim(2)) == sorted(email.id for email in older)
    assert ids(await queue.claim(10)) == sorted(email.id for email in newer)
    assert await queue.claim(10) == []
    clock.advance(1)
    assert ids(await queue.claim(10)) == sorted(email.id for email in later)


async def test_one_organisations_backlog_does_not_hide_anothers_mail(
    database: Database, queue: Queue
) -> None:
    await emails(database, 300, shard=7, accepted_at=START_MS - 9999)
    [single] = await enqueue(database, rows_of(new_id(), ["ada@receiver.test"], shard=40))
    assert single.id in ids(await queue.claim(20))


async def test_every_shard_has_its_turn(database: Database, queue: Queue) -> None:
    shards = range(LANES_AT_ONCE * 3)
    await enqueue(
        database, *(rows_of(new_id(), ["a@receiver.test"], shard=shard) for shard in shards for _ in range(3))
    )
    claimed = [row for _ in range(6) for row in await queue.claim(LANES_AT_ONCE)]
    assert len({row.key.org_id for row in claimed}) >= LANES_AT_ONCE * 2
    rest = [row for _ in range(10) for row in await queue.claim(LANES_AT_ONCE)]
    assert len({row.key for row in claimed + rest}) == len(shards) * 3


async def test_urgent_mail_goes_first(database: Database, queue: Queue) -> None:
    await emails(database, 50, shard=1, priority=2)
    await emails(database, 50, shard=2, priority=1)
    urgent = await emails(database, 5, shard=3, priority=0)
    claimed = await queue.claim(16)
    assert set(ids(claimed)) >= {email.id for email in urgent}


async def test_urgent_mail_does_not_starve_the_rest(database: Database, queue: Queue) -> None:
    await emails(database, 50, shard=1, priority=0)
    ordinary = await emails(database, 50, shard=2, priority=1)
    bulk = await emails(database, 50, shard=3, priority=2)
    claimed = set(ids(await queue.claim(16)))
    assert claimed & {email.id for email in ordinary}
    assert claimed & {email.id for email in bulk}


async def test_a_delivered_email_leaves_the_queue_with_its_record(database: Database, queue: Queue) -> None:
    [email] = await emails(database, 1)
    [row] = await queue.claim(1)
    assert await queue.settle([settlement(row)]) == [True]
    assert await queue_of(database) == []
    assert await status_of(database, email) == "delivered"
    [recipient] = await recipients_of(database, email)
    assert (recipient.status, recipient.attempts, recipient.reply_code) == ("delivered", 1, 250)
    [event] = await events_of(database, email)
    assert (event.type, event.attempt, event.reply_text) == ("email.delivered", 1, "ok")
    assert event.recipient == "ada@receiver.test"


async def test_a_deferred_email_comes_back_when_it_is_due(
    database: Database, queue: Queue, clock: ManualClock
) -> None:
    [email] = await emails(database, 1)
    [row] = await queue.claim(1)
    await queue.settle([settlement(row, "delivery_delayed", uncertain=True)])
    assert await queue.claim(1) == []
    assert await status_of(database, email) == "delivery_delayed"
    clock.advance(60)
    [again] = await queue.claim(1)
    assert (again.attempts, again.uncertain, again.key.token) == (1, True, row.key.token + 1)


async def test_results_after_the_lease_was_lost_change_nothing(
    database: Database, queue: Queue, other: Queue
) -> None:
    """The engine stood still, another took the row over and settled it."""
    [email] = await emails(database, 1)
    [row] = await queue.claim(1)
    [left] = await other.leftovers(queue.owner)
    await other.release([Release(left.key)])
    [taken] = await other.claim(1)
    for late in (row.key, taken.key._replace(token=row.key.token), taken.key._replace(owner=queue.owner)):
        assert await queue.settle([settlement(replace(row, key=late), "bounced")]) == [False]
        assert await queue.release([Release(late)]) == [False]
        assert await queue.renew([late]) == []
    assert await events_of(database, email) == []
    assert await other.settle([settlement(taken)]) == [True]
    assert await other.settle([settlement(taken)]) == [False], "settled is final"
    assert [event.type for event in await events_of(database, email)] == ["email.delivered"]
    assert await status_of(database, email) == "delivered"


async def test_a_late_result_does_not_spoil_the_others_of_its_list(database: Database, queue: Queue) -> None:
    await emails(database, 3)
    first, second, third = await queue.claim(3)
    await queue.settle([settlement(second)])
    assert await queue.settle([settlement(row) for row in (first, second, third)]) == [True, False, True]
    assert await queue_of(database) == []


async def test_hundreds_are_settled_at_once(database: Database, queue: Queue) -> None:
    waiting = await emails(database, 300)
    claimed = await queue.claim(300)
    assert len(claimed) == 300
    assert all(await queue.settle([settlement(row) for row in claimed]))
    assert {await status_of(database, email) for email in waiting[::50]} == {"delivered"}


async def test_an_email_has_the_worst_status_of_its_recipients(database: Database, queue: Queue) -> None:
    [email] = await enqueue(database, rows_of(ORG, ["a@r.test", "b@r.test", "c@r.test"]))
    rows = {row.key.no: row for row in await queue.claim(10)}
    expected = []
    for no, status in ((1, "delivered"), (2, "bounced"), (3, "failed")):
        await queue.settle([settlement(rows[no], status, alone=False)])
        expected.append(await status_of(database, email))
    assert expected == ["queued", "queued", "bounced"]


async def test_two_engines_that_settle_one_email_agree_on_its_status(
    database: Database, queue: Queue, other: Queue
) -> None:
    addresses = [f"{n}@r.test" for n in range(2)]
    waiting = await enqueue(database, *(rows_of(ORG, addresses) for _ in range(40)))
    claimed = {row.key[1:3]: row for row in await queue.claim(80)}
    for email in waiting:
        first, second = claimed[email.id, 1], claimed[email.id, 2]
        await asyncio.gather(
            queue.settle([settlement(first, alone=False)]), other.settle([settlement(second, alone=False)])
        )
    assert {await status_of(database, email) for email in waiting} == {"delivered"}


async def test_a_heartbeat_moves_the_end_of_the_lease(
    database: Database, queue: Queue, other: Queue, clock: ManualClock
) -> None:
    await emails(database, 2)
    kept, lost = await queue.claim(2)
    clock.advance(LEASE_S - 1)
    assert await queue.renew([kept.key]) == [kept.key]
    clock.advance(2)
    assert [row.key for row in await other.expired(10)] == [lost.key]
    clock.advance(LEASE_S)
    assert {row.key for row in await other.expired(10)} == {kept.key, lost.key}


async def test_a_released_row_is_due_as_it_was(database: Database, queue: Queue) -> None:
    await emails(database, 1)
    [before] = await queue_of(database)
    [row] = await queue.claim(1)
    await queue.release([Release(row.key)])
    [after] = await queue_of(database)
    assert after.lease_token == 1
    assert after._asdict() | {"lease_token": 0} == before._asdict()


async def test_a_release_can_note_a_crash(database: Database, queue: Queue) -> None:
    await emails(database, 1)
    [row] = await queue.claim(1)
    await queue.release([Release(row.key, due_at=START_MS - 5, crashes=2, uncertain=True)])
    [again] = await queue.claim(1)
    assert (again.crashes, again.uncertain, again.attempts) == (2, True, 0)


async def test_messages_are_loaded_with_all_their_recipients(database: Database, queue: Queue) -> None:
    made = await enqueue(
        database, rows_of(ORG, ["a@r.test"], bcc=["b@r.test"], text="one"), rows_of(new_id(), ["c@r.test"])
    )
    loaded = await queue.load([(email.org_id, email.id) for email in made] + [(ORG, new_id())])
    assert set(loaded) == {(email.org_id, email.id) for email in made}
    first, second = (loaded[email.org_id, email.id] for email in made)
    assert first.addresses == {1: "a@r.test", 2: "b@r.test"}
    assert first.kinds == {1: "to", 2: "bcc"}
    assert (first.email.text, first.alone, second.alone) == ("one", False, True)


async def test_nobody_elses_id_opens_a_message(database: Database, queue: Queue) -> None:
    [email] = await emails(database, 1)
    assert await queue.load([(new_id(), email.id)]) == {}


async def test_a_long_queue_does_not_make_a_claim_long(sqlite_url: str) -> None:
    """Rows are looked up by index; nothing reads the queue from end to end."""
    database = Database(sqlite_url)
    values = dict.fromkeys(("now", "shard", "priority", "limit", "owner", "until"), 1)
    steps: list[str] = []
    async with database.write() as connection:
        for statement in (statements.LANES, statements.CLAIM):
            explained = text(f"EXPLAIN QUERY PLAN {statement.build('sqlite')}")
            steps += [row.detail for row in await connection.execute(explained, values)]
    await database.close()
    read = [step for step in steps if re.match(r"(SCAN|SEARCH) (outq|q)\b", step)]
    assert read
    assert not [step for step in read if "ix_outq_due" not in step and "PRIMARY KEY" not in step], read

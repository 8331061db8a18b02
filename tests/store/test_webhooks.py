"""Webhooks and their queue in the store, on both engines."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.listing import Stretch
from server.db.schema import emails, webhook_attempts, webhook_calls
from server.db.writer import Writer
from server.events.bell import Bell
from server.faults import WebhookNotFound
from server.ids import new_id
from server.webhooks import history, intake, queue, settling, store
from server.webhooks.fan_out import FanOut
from server.webhooks.queue import Claim, Claimed, Renewal
from server.webhooks.settling import Settled
from server.webhooks.store import Change, Key, NewWebhook
from tests.harness.clock import START_MS, ManualClock
from tests.harness.happenings import happen, record

BEGINNING: Key = ("", "")


async def register(writer: Writer, org_id: str, *events: str) -> str:
    new = NewWebhook(
        org_id, new_id(), "https://hooks.example.com/", events or ("email.sent",), b"x", START_MS
    )
    await writer.submit(store.add, [new])
    return new.id


async def fan_out(database: Database, writer: Writer) -> None:
    reader = FanOut(database, writer, ManualClock(), Bell())
    while await reader.step():
        pass


async def waiting(database: Database) -> list[tuple[str, str, str]]:
    """Organisation, webhook and type of every call in the queue."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(webhook_calls.c.org_id, webhook_calls.c.webhook_id, webhook_calls.c.type)
            .where(webhook_calls.c.due_at.is_not(None))
            .order_by(webhook_calls.c.event_id)
        )
    return [tuple(row) for row in rows]


async def claim(
    database: Database, writer: Writer, key: Key, most: int = 100, *, now: int = START_MS, owner: str = "a"
) -> list[Claimed]:
    async with database.read() as connection:
        wanted = await queue.due(connection, [(key, most)], now)
    return (await writer.submit(queue.claim, [Claim(owner * 24, now + 60_000, wanted)]))[0]


def settled(call: Claimed, *, next_at: int | None = None, gone: bool = False) -> Settled:
    return Settled(
        key=call.key,
        attempt=call.attempts + 1,
        earlier=call.earlier,
        began_at=call.created_at,
        succeeded=False,
        status_code=500,
        error="",
        detail="",
        response=b"\x00\xff",
        duration_ms=7,
        attempted_at=START_MS,
        next_at=next_at,
        gone=gone,
    )


# The registry.


async def test_a_list_holds_the_organisations_own_newest_first(database: Database, writer: Writer) -> None:
    org_id = new_id()
    ids = [await register(writer, org_id) for _ in range(3)]
    await register(writer, new_id())
    async with database.read() as connection:
        first = await store.listed(connection, org_id, Stretch(2))
        second = await store.listed(connection, org_id, Stretch(2, offset=2))
    assert [row.id for row in [*first.rows, *second.rows]] == ids[::-1]
    assert (first.has_more, second.has_more, first.total) == (True, False, 3)


async def test_another_organisations_webhook_cannot_be_removed(database: Database, writer: Writer) -> None:
    """C-48: it is answered like one that does not exist."""
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    foreign, missing = await writer.submit(store.remove, [(new_id(), webhook_id), (org_id, new_id())])
    assert isinstance(foreign, WebhookNotFound)
    assert isinstance(missing, WebhookNotFound)
    assert await writer.submit(store.remove, [(org_id, webhook_id)]) == [None]
    assert isinstance((await writer.submit(store.remove, [(org_id, webhook_id)]))[0], WebhookNotFound)


async def test_of_two_removals_at_once_one_finds_nothing(database: Database, writer: Writer) -> None:
    org_id = new_id()
    key = (org_id, await register(writer, org_id))
    outcomes = await writer.submit(store.remove, [key, key])
    assert outcomes[0] is None
    assert isinstance(outcomes[1], WebhookNotFound)


async def test_removal_drops_the_calls_that_wait_and_no_others(database: Database, writer: Writer) -> None:
    org_id = new_id()
    removed, kept = await register(writer, org_id), await register(writer, org_id)
    await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    await writer.submit(store.remove, [(org_id, removed)])
    assert await waiting(database) == [(org_id, kept, "email.sent")]


# Fan-out.


async def test_each_webhook_is_told_of_the_types_it_asked_for(database: Database, writer: Writer) -> None:
    org_id, other_org = new_id(), new_id()
    one = await register(writer, org_id, "email.sent")
    two = await register(writer, org_id, "email.delivered", "email.bounced")
    await register(writer, other_org, "email.opened")
    await happen(writer, org_id, "email.sent", "email.delivered")
    await happen(writer, other_org, "email.sent")
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, one, "email.sent"), (org_id, two, "email.delivered")]


async def test_a_webhook_is_told_of_nothing_that_was_before_it(database: Database, writer: Writer) -> None:
    org_id = new_id()
    await happen(writer, org_id, "email.sent")
    webhook_id = await register(writer, org_id, "email.sent", "email.delivered")
    await happen(writer, org_id, "email.delivered")
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.delivered")]


async def test_events_of_many_pages_are_each_taken_once(database: Database, writer: Writer) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    await asyncio.gather(*(happen(writer, org_id, *["email.sent"] * 50) for _ in range(11)))
    await fan_out(database, writer)
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")] * 550


async def test_readers_beside_each_other_take_each_event_once(database: Database, writer: Writer) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    readers = [FanOut(database, writer, ManualClock(), Bell()) for _ in range(3)]
    for reader in readers:
        await reader.start()
    for _ in range(20):
        await happen(writer, org_id, "email.sent")
    for reader in readers:
        await reader.stop()
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")] * 20


async def test_events_that_concern_nobody_cost_no_write(database: Database, writer: Writer) -> None:
    reader = FanOut(database, writer, ManualClock(), Bell())
    while await reader.step():
        pass
    async with database.read() as connection:
        before = await intake.READER.place(connection)
    await happen(writer, new_id(), "email.sent")
    await reader.step()
    async with database.read() as connection:
        assert await intake.READER.place(connection) == before
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    await happen(writer, org_id, "email.sent")
    await reader.step()
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")]


async def test_a_disabled_webhook_gets_no_calls(database: Database, writer: Writer) -> None:
    org_id = new_id()
    gone, kept = await register(writer, org_id), await register(writer, org_id)
    await happen(writer, org_id, "email.sent")
    await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    first, second = await claim(database, writer, (org_id, gone))
    await writer.submit(settling.settle, [settled(first, gone=True)])
    await writer.submit(settling.settle, [settled(second, next_at=START_MS)])
    assert await claim(database, writer, (org_id, gone)) == []
    await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, kept, "email.sent")] * 3
    async with database.read() as connection:
        part = await store.listed(connection, org_id, Stretch(2))
    assert [(row.id, row.status) for row in part.rows] == [(kept, "enabled"), (gone, "disabled")]


async def test_no_event_is_skipped_when_commits_land_out_of_order(postgres_url: str) -> None:
    """An event whose transaction began first and commits last is behind others that are there already."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    async with database.write() as held:
        await record(held, org_id, new_id(), "email.sent")
        await happen(writer, org_id, "email.sent")
        await fan_out(database, writer)
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")] * 2
    await writer.close()
    await database.close()


async def test_no_call_outlives_a_webhook_that_is_removed_meanwhile(postgres_url: str) -> None:
    """The removal waits for a fan-out that has locked the webhook, and then sees its calls."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    for _ in range(3):
        await happen(writer, org_id, "email.sent")
        reader = FanOut(database, writer, ManualClock(), Bell())
        await asyncio.gather(
            reader.step(), reader.step(), writer.submit(store.remove, [(org_id, webhook_id)])
        )
        assert await waiting(database) == []
        webhook_id = await register(writer, org_id)
    await writer.close()
    await database.close()


async def test_an_event_that_cannot_be_told_keeps_nobody_else_waiting(
    database: Database, writer: Writer
) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    broken = await happen(writer, org_id, "email.sent")
    await happen(writer, org_id, "email.sent")

    async def corrupt(connection: AsyncConnection) -> None:
        await connection.execute(update(emails).where(emails.c.id == broken).values(to="no list"))

    await writer.run(corrupt)
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")]


# The queue.


async def make_calls(database: Database, writer: Writer, counts: Sequence[int]) -> list[Key]:
    """Webhooks of one organisation each, with so many calls waiting; in the order of the queue."""
    keys = []
    for count in counts:
        org_id = new_id()
        keys.append((org_id, await register(writer, org_id)))
        for _ in range(count):
            await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    return keys


async def test_a_look_at_the_queue_shows_each_webhook_once(database: Database, writer: Writer) -> None:
    one, two, _, four = await make_calls(database, writer, [3, 1, 0, 2])
    async with database.read() as connection:
        assert await lines_of(connection, BEGINNING, 10) == [one, two, four]
        assert await lines_of(connection, BEGINNING, 2) == [one, two]
        assert await lines_of(connection, two, 2) == [four]
        assert await lines_of(connection, four, 2) == []


async def test_a_claimed_call_is_nobody_elses(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [5])
    async with database.read() as connection:
        wanted = await queue.due(connection, [(key, 5)], START_MS)
    claims = [Claim(owner * 24, START_MS + 1, wanted) for owner in "abc"]
    shares = await asyncio.gather(*(writer.submit(queue.claim, [claim]) for claim in claims))
    taken = [call.key for share in shares for call in share[0]]
    assert len(taken) == len(set(taken)) == 5
    async with database.read() as connection:
        assert await lines_of(connection, BEGINNING, 10) == []


async def test_claims_take_the_earliest_first_and_no_more_than_asked(
    database: Database, writer: Writer
) -> None:
    one, two = await make_calls(database, writer, [4, 3])
    async with database.read() as connection:
        wanted = await queue.due(connection, [(one, 2), (two, 9)], START_MS)
    calls = (await writer.submit(queue.claim, [Claim("a" * 24, START_MS, wanted)]))[0]
    assert [call.key[:2] for call in calls] == [one] * 2 + [two] * 3
    rest = await claim(database, writer, one)
    assert [call.key.event_id for call in calls[:2] + rest] == sorted(
        call.key.event_id for call in calls[:2] + rest
    )


async def test_a_deferred_call_is_due_later_and_not_before(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    await writer.submit(settling.settle, [settled(call, next_at=START_MS + 5_000)])
    assert await claim(database, writer, key, now=START_MS + 4_999) == []
    (again,) = await claim(database, writer, key, now=START_MS + 5_000)
    assert (again.attempts, again.body, again.key.event_id) == (1, call.body, call.key.event_id)
    assert again.key.token > call.key.token


async def test_each_attempt_leaves_a_record(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    await writer.submit(settling.settle, [settled(call, next_at=START_MS)])
    (again,) = await claim(database, writer, key)
    await writer.submit(settling.settle, [settled(again)])
    async with database.read() as connection:
        rows = (
            await connection.execute(
                select(webhook_attempts)
                .where(webhook_attempts.c.org_id == key[0], webhook_attempts.c.webhook_id == key[1])
                .order_by(webhook_attempts.c.id)
            )
        ).all()
    assert [(row.attempt, row.next_at) for row in rows] == [(1, START_MS), (2, None)]
    assert {(row.event_id, row.status_code, row.response, row.duration_ms) for row in rows} == {
        (call.key.event_id, 500, b"\x00\xff", 7)
    }
    assert await waiting(database) == []


async def test_a_holder_whose_lease_ran_out_changes_nothing(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    (late,) = await claim(database, writer, key)
    assert await writer.submit(queue.release_expired, [START_MS + 60_000]) == [0]
    assert await writer.submit(queue.release_expired, [START_MS + 60_001]) == [1]
    (call,) = await claim(database, writer, key, owner="b")
    await writer.submit(settling.settle, [settled(late)])
    assert len(await waiting(database)) == 1
    assert await writer.submit(queue.renew, [Renewal("a" * 24, START_MS, [late.key])]) == [set()]
    assert await writer.submit(queue.renew, [Renewal("b" * 24, START_MS, [call.key])]) == [{call.key}]


async def test_calls_given_back_are_due_at_once(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [2])
    calls = await claim(database, writer, key)
    await writer.submit(queue.release, [call.key for call in calls])
    again = await claim(database, writer, key, owner="b")
    assert [call.key.event_id for call in again] == [call.key.event_id for call in calls]


async def test_calls_that_were_due_too_long_ago_are_given_up(database: Database, writer: Writer) -> None:
    one, two = await make_calls(database, writer, [2, 1])
    assert await writer.submit(queue.give_up_stale, [(one, START_MS)]) == [0]
    assert await writer.submit(queue.give_up_stale, [(one, START_MS + 1)]) == [2]
    assert await waiting(database) == [(*two, "email.sent")]


async def test_an_attempt_under_way_does_not_swallow_a_replay(database: Database, writer: Writer) -> None:
    """F-3: what was asked for is told again, even if the attempt that is under way succeeds."""
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    event_id = call.key.event_id
    await writer.run(lambda connection: history.replay(connection, key, event_id, START_MS))
    await writer.submit(settling.settle, [replace(settled(call), succeeded=True)])
    assert len(await waiting(database)) == 1
    (again,) = await claim(database, writer, key, owner="b")
    assert again.key.event_id == event_id
    async with database.read() as connection:
        assert (await history.attempts(connection, key, event_id, Stretch(10))).total == 1


async def failed_since(database: Database, key: Key, since: int, behind: str = "") -> Sequence[str]:
    async with database.read() as connection:
        return await history.failed(connection, key, since, behind, 2)


async def test_what_failed_is_told_again_in_parts(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [5])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    assert await waiting(database) == []
    counts: list[int] = []
    ids: Sequence[str] = [""]
    while not counts or counts[-1] == 2:
        ids = await failed_since(database, key, START_MS, ids[-1])
        counts.append(
            await writer.run(
                lambda connection, ids=ids: history.replay_failed(connection, key, ids, START_MS)
            )
        )
    assert counts == [2, 2, 1]
    assert len(await waiting(database)) == 5


async def test_what_failed_before_a_time_is_not_told_again(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    assert len(await failed_since(database, key, START_MS)) == 1
    assert await failed_since(database, key, START_MS + 1) == []


async def test_what_is_told_meanwhile_is_not_told_again(database: Database, writer: Writer) -> None:
    """F-3: between the look for what failed and the replay, another replay may have come."""
    (key,) = await make_calls(database, writer, [1])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    ids = await failed_since(database, key, START_MS)
    for count in (1, 0):
        replayed = await writer.run(lambda connection: history.replay_failed(connection, key, ids, START_MS))
        assert replayed == count


async def test_anothers_calls_cannot_be_seen_or_made_again(database: Database, writer: Writer) -> None:
    """C-48."""
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    foreign, event_id = (new_id(), key[1]), call.key.event_id
    async with database.read() as connection:
        for look in (
            history.calls(connection, foreign, [], Stretch(10)),
            history.call(connection, foreign, event_id),
            history.attempts(connection, foreign, event_id, Stretch(10)),
        ):
            with pytest.raises(WebhookNotFound):
                await look
        assert await history.failed(connection, foreign, 0, "", 10) == []
    for act in (
        lambda connection: history.replay(connection, foreign, event_id, START_MS),
        lambda connection: history.replay_failed(connection, foreign, [event_id], START_MS),
        lambda connection: store.rotate(connection, *foreign, b"x", START_MS),
        lambda connection: store.change(connection, *foreign, Change("https://x.test", (), None), START_MS),
        lambda connection: store.change(connection, *foreign, Change(None, (), "disabled"), START_MS),
    ):
        with pytest.raises(WebhookNotFound):
            await writer.run(act)
    async with database.read() as connection:
        assert (await store.get(connection, *key)).status == "enabled"


async def lines_of(connection: AsyncConnection, after: Key, most: int) -> list[Key]:
    return [(line.org_id, line.webhook_id) for line in await queue.lines(connection, after, most)]


async def test_a_look_at_the_queue_reads_no_backlog_on_sqlite(sqlite_url: str) -> None:
    """However many calls wait for a webhook, the next webhook is found by the index."""
    database = Database(sqlite_url)
    async with database.read() as connection:
        explained = text(f"EXPLAIN QUERY PLAN {queue._LINES.build('sqlite')}")
        plan = await connection.execute(explained, {"org_id": "", "webhook_id": "", "most": 1})
        steps = [row.detail for row in plan if "webhook_calls" in row.detail]
    await database.close()
    assert {step.partition(" INDEX ")[2] for step in steps} == {
        "ix_webhook_calls_due (org_id=? AND webhook_id>?)",
        "ix_webhook_calls_due (org_id>?)",
    }

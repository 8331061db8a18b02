"""Webhooks and their queue in the store, on both engines."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from server.db.connections import Connections
from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.emails import emails
from server.db.tables.webhooks import webhook_attempts, webhook_calls
from server.db.writer import Writer
from server.emails import transitions
from server.ids import new_id
from server.webhooks import due, history, intake, queue, settling, store
from server.webhooks.fan_out import PAGE_SIZE, FanOut
from server.webhooks.faults import WebhookNotFound
from server.webhooks.queue import Claim, Claimed, Renewal
from server.webhooks.settling import Settled
from server.webhooks.store import NewWebhook, WebhookChange, WebhookKey
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.delivery.queued import DOMAIN_ID, enqueue, rows_of
from tests.harness.clock import START_MS, ManualClock
from tests.harness.happenings import happen
from tests.harness.rows import row_count, stored
from tests.harness.sqlite_plans import plans_of

BEGINNING: WebhookKey = ("", "")


async def register(writer: Writer, org_id: str, *events: str) -> str:
    new = NewWebhook(
        org_id, new_id(), "https://hooks.example.com/", events or ("email.sent",), b"x", START_MS
    )
    await writer.submit(store.add, [new])
    return new.id


def new_fan_out(database: Database, writer: Writer, page_size: int = PAGE_SIZE) -> FanOut:
    return FanOut(database, writer, ManualClock(), Notifier(), Notifier(), Backpressure(), page_size)


async def fan_out(database: Database, writer: Writer, page_size: int = PAGE_SIZE) -> None:
    reader = new_fan_out(database, writer, page_size)
    while await reader.step():
        pass


async def waiting(database: Database) -> list[tuple[str, str, str]]:
    """Organisation, webhook and type of every call in the queue."""
    return await stored(
        database,
        select(webhook_calls.c.org_id, webhook_calls.c.webhook_id, webhook_calls.c.type)
        .where(webhook_calls.c.due_at.is_not(None))
        .order_by(webhook_calls.c.event_id),
    )


async def claim(
    database: Database,
    writer: Writer,
    key: WebhookKey,
    limit: int = 100,
    *,
    now: int = START_MS,
    owner: str = "a",
) -> list[Claimed]:
    wanted = await database.read(due.due, [(key, limit)], now)
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


async def test_webhooks_of_the_organisation_are_listed_newest_first(
    database: Database, writer: Writer
) -> None:
    org_id = new_id()
    ids = [await register(writer, org_id) for _ in range(3)]
    await register(writer, new_id())
    first = await database.read(store.page, org_id, PageRequest(2))
    second = await database.read(store.page, org_id, PageRequest(2, offset=2))
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


async def test_one_of_two_concurrent_removals_is_not_found(database: Database, writer: Writer) -> None:
    org_id = new_id()
    key = (org_id, await register(writer, org_id))
    outcomes = await writer.submit(store.remove, [key, key])
    assert outcomes[0] is None
    assert isinstance(outcomes[1], WebhookNotFound)


async def test_removal_drops_the_webhooks_waiting_calls_only(database: Database, writer: Writer) -> None:
    org_id = new_id()
    removed, kept = await register(writer, org_id), await register(writer, org_id)
    await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    await writer.submit(store.remove, [(org_id, removed)])
    assert await waiting(database) == [(org_id, kept, "email.sent")]


async def test_attempt_that_ends_after_the_removal_of_its_webhook_leaves_no_record(
    database: Database, writer: Writer
) -> None:
    """C-95: nothing would ever delete it, and nobody could read it."""
    org_id = new_id()
    key = (org_id, await register(writer, org_id))
    await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    [call] = await claim(database, writer, key)
    await writer.submit(store.remove, [key])
    await writer.submit(settling.settle, [settled(call)])
    assert await row_count(database, webhook_attempts) == 0


# Fan-out.


async def test_webhook_gets_events_of_its_types_only(database: Database, writer: Writer) -> None:
    org_id, other_org = new_id(), new_id()
    one = await register(writer, org_id, "email.sent")
    two = await register(writer, org_id, "email.delivered", "email.bounced")
    await register(writer, other_org, "email.opened")
    await happen(writer, org_id, "email.sent", "email.delivered")
    await happen(writer, other_org, "email.sent")
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, one, "email.sent"), (org_id, two, "email.delivered")]


async def test_webhook_gets_no_events_from_before_its_creation(database: Database, writer: Writer) -> None:
    org_id = new_id()
    await happen(writer, org_id, "email.sent")
    webhook_id = await register(writer, org_id, "email.sent", "email.delivered")
    await happen(writer, org_id, "email.sent", "email.delivered")
    await fan_out(database, writer)
    assert await waiting(database) == [
        (org_id, webhook_id, "email.sent"),
        (org_id, webhook_id, "email.delivered"),
    ]


async def test_events_of_many_pages_are_taken_once_each(database: Database, writer: Writer) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    for _ in range(11):
        await enqueue(writer, *(rows_of(org_id, ["bob@example.net"]) for _ in range(50)))
    await fan_out(database, writer, page_size=100)
    await fan_out(database, writer, page_size=100)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")] * 550


async def test_concurrent_readers_take_each_event_once(database: Database, writer: Writer) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    readers = [new_fan_out(database, writer) for _ in range(3)]
    for reader in readers:
        await reader.start()
    for _ in range(20):
        await happen(writer, org_id, "email.sent")
    for reader in readers:
        await reader.stop()
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")] * 20


async def test_events_without_a_webhook_cost_no_write(database: Database, writer: Writer) -> None:
    reader = new_fan_out(database, writer)
    while await reader.step():
        pass
    before = await database.read(intake.READER.places)
    await happen(writer, new_id(), "email.sent")
    await reader.step()
    assert await database.read(intake.READER.places) == before
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
    page = await database.read(store.page, org_id, PageRequest(2))
    assert [(row.id, row.status) for row in page.rows] == [(kept, "enabled"), (gone, "disabled")]


async def test_no_event_is_skipped_when_commits_land_out_of_order(postgres_url: str) -> None:
    """An event whose transaction began first and commits last is behind others that are there already."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    writing = Connections(database.url, database.availability, read_only=False)
    with writing.transaction() as held:
        # Not through `Acceptor`: its lock of the organisation would keep the next email waiting.
        late = rows_of(org_id, ["bob@example.net"])
        late.email["domain_id"] = DOMAIN_ID
        transitions.begin(held, [late.new_email()])
        await happen(writer, org_id, "email.sent")
        await fan_out(database, writer)
    writing.close()
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
        reader = new_fan_out(database, writer)
        await asyncio.gather(
            reader.step(), reader.step(), writer.submit(store.remove, [(org_id, webhook_id)])
        )
        assert await waiting(database) == []
        webhook_id = await register(writer, org_id)
    await writer.close()
    await database.close()


async def test_event_that_cannot_be_sent_does_not_block_others(database: Database, writer: Writer) -> None:
    org_id = new_id()
    webhook_id = await register(writer, org_id)
    broken = await happen(writer, org_id, "email.sent")
    await happen(writer, org_id, "email.sent")
    corruption = update(emails).where(emails.c.org_id == org_id, emails.c.id == broken).values(to="no list")
    await writer.run(lambda tx: tx.change(corruption))
    await fan_out(database, writer)
    assert await waiting(database) == [(org_id, webhook_id, "email.sent")]


# The queue.


async def make_calls(database: Database, writer: Writer, counts: Sequence[int]) -> list[WebhookKey]:
    """Webhooks of one organisation each, with these numbers of waiting calls; in the order of the queue."""
    keys = []
    for count in counts:
        org_id = new_id()
        keys.append((org_id, await register(writer, org_id)))
        for _ in range(count):
            await happen(writer, org_id, "email.sent")
    await fan_out(database, writer)
    return keys


async def test_webhooks_with_due_calls_are_listed_once(database: Database, writer: Writer) -> None:
    one, two, _, four = await make_calls(database, writer, [3, 1, 0, 2])
    assert await with_backlog(database, BEGINNING, 10) == [one, two, four]
    assert await with_backlog(database, BEGINNING, 2) == [one, two]
    assert await with_backlog(database, two, 2) == [four]
    assert await with_backlog(database, four, 2) == []


async def test_claimed_call_is_not_claimed_again(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [5])
    wanted = await database.read(due.due, [(key, 5)], START_MS)
    claims = [Claim(owner * 24, START_MS + 1, wanted) for owner in "abc"]
    shares = await asyncio.gather(*(writer.submit(queue.claim, [claim]) for claim in claims))
    taken = [call.key for share in shares for call in share[0]]
    assert len(taken) == len(set(taken)) == 5
    assert await with_backlog(database, BEGINNING, 10) == []


async def test_claims_take_the_earliest_first_up_to_their_limit(database: Database, writer: Writer) -> None:
    one, two = await make_calls(database, writer, [4, 3])
    wanted = await database.read(due.due, [(one, 2), (two, 9)], START_MS)
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
    rows = await stored(
        database,
        select(webhook_attempts)
        .where(webhook_attempts.c.org_id == key[0], webhook_attempts.c.webhook_id == key[1])
        .order_by(webhook_attempts.c.id),
    )
    assert [(row.attempt, row.next_at) for row in rows] == [(1, START_MS), (2, None)]
    assert {(row.event_id, row.status_code, row.response, row.duration_ms) for row in rows} == {
        (call.key.event_id, 500, b"\x00\xff", 7)
    }
    assert await waiting(database) == []


async def test_holder_of_an_expired_lease_changes_nothing(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    (late,) = await claim(database, writer, key)
    assert await writer.submit(queue.release_expired, [START_MS + 60_000]) == [0]
    assert await writer.submit(queue.release_expired, [START_MS + 60_001]) == [1]
    (call,) = await claim(database, writer, key, owner="b")
    await writer.submit(settling.settle, [settled(late)])
    assert len(await waiting(database)) == 1
    assert await writer.submit(queue.renew, [Renewal("a" * 24, START_MS, [late.key])]) == [set()]
    assert await writer.submit(queue.renew, [Renewal("b" * 24, START_MS, [call.key])]) == [{call.key}]


async def test_released_calls_are_due_at_once(database: Database, writer: Writer) -> None:
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


async def test_attempt_in_flight_does_not_cancel_a_replay(database: Database, writer: Writer) -> None:
    """F-3: the replay is made even if the attempt that is under way succeeds."""
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    event_id = call.key.event_id
    await writer.run(history.replay, key, event_id, START_MS)
    await writer.submit(settling.settle, [replace(settled(call), succeeded=True)])
    assert len(await waiting(database)) == 1
    (again,) = await claim(database, writer, key, owner="b")
    assert again.key.event_id == event_id
    assert (await database.read(history.attempts, key, event_id, PageRequest(10))).total == 1


async def failed_since(database: Database, key: WebhookKey, since: int, after: str = "") -> Sequence[str]:
    return await database.read(history.failed, key, since, after, 2)


async def test_failed_calls_are_replayed_in_chunks(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [5])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    assert await waiting(database) == []
    counts: list[int] = []
    ids: Sequence[str] = [""]
    while not counts or counts[-1] == 2:
        ids = await failed_since(database, key, START_MS, ids[-1])
        counts.append(await writer.run(history.replay_failed, key, ids, START_MS))
    assert counts == [2, 2, 1]
    assert len(await waiting(database)) == 5


async def test_replay_skips_calls_that_failed_before_its_start(database: Database, writer: Writer) -> None:
    (key,) = await make_calls(database, writer, [1])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    assert len(await failed_since(database, key, START_MS)) == 1
    assert await failed_since(database, key, START_MS + 1) == []


async def test_call_replayed_meanwhile_is_not_replayed_twice(database: Database, writer: Writer) -> None:
    """F-3: between the look for what failed and the replay, another replay may have come."""
    (key,) = await make_calls(database, writer, [1])
    await writer.submit(queue.give_up_stale, [(key, START_MS + 1)])
    ids = await failed_since(database, key, START_MS)
    for count in (1, 0):
        assert await writer.run(history.replay_failed, key, ids, START_MS) == count


async def test_calls_of_another_organisation_cannot_be_seen_or_replayed(
    database: Database, writer: Writer
) -> None:
    """C-48."""
    (key,) = await make_calls(database, writer, [1])
    (call,) = await claim(database, writer, key)
    foreign, event_id = (new_id(), key[1]), call.key.event_id
    for read in (
        lambda tx: history.calls(tx, foreign, [], PageRequest(10)),
        lambda tx: history.call(tx, foreign, event_id),
        lambda tx: history.attempts(tx, foreign, event_id, PageRequest(10)),
    ):
        with pytest.raises(WebhookNotFound):
            await database.read(read)
    assert await database.read(history.failed, foreign, 0, "", 10) == []
    for act in (
        lambda tx: history.replay(tx, foreign, event_id, START_MS),
        lambda tx: history.replay_failed(tx, foreign, [event_id], START_MS),
        lambda tx: store.rotate(tx, *foreign, b"x", START_MS),
        lambda tx: store.change(tx, *foreign, WebhookChange("https://x.test", (), None), START_MS),
        lambda tx: store.change(tx, *foreign, WebhookChange(None, (), "disabled"), START_MS),
    ):
        with pytest.raises(WebhookNotFound):
            await writer.run(act)
    assert (await database.read(store.get, *key)).status == "enabled"


async def with_backlog(database: Database, after: WebhookKey, limit: int) -> list[WebhookKey]:
    return [backlog.webhook for backlog in await database.read(due.backlogs, after, limit)]


def test_the_search_for_due_calls_reads_no_backlog_on_sqlite(sqlite_url: str) -> None:
    """However many calls wait for a webhook, the next webhook is found by the index."""
    steps = [step for step in plans_of(sqlite_url, due.backlogs, BEGINNING, 1) if "webhook_calls" in step]
    assert {step.partition(" INDEX ")[2] for step in steps} == {
        "ix_webhook_calls_due (org_id=? AND webhook_id>?)",
        "ix_webhook_calls_due (org_id>?)",
    }


@pytest.mark.parametrize("count", [1, 2])
def test_due_calls_are_read_in_order_by_an_index(sqlite_url: str, count: int) -> None:
    steps = plans_of(sqlite_url, due.due, [(("o", "w"), 2)] * count, START_MS)
    reads = [step for step in steps if "webhook_calls" in step]
    assert len(reads) == count
    assert all("ix_webhook_calls_due (org_id=? AND webhook_id=? AND due_at" in step for step in reads)
    assert not [step for step in steps if "TEMP B-TREE" in step]

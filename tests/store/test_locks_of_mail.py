"""Locks on emails, their queue and the calls of webhooks: two transactions in a given order."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails import due, transitions
from server.emails.transitions import Transition
from server.ids import new_id
from server.queue import store as queue
from server.queue.rows import Claimed, Release
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.store import suppressed
from server.webhooks import queue as calls
from server.webhooks import settling
from server.webhooks import store as webhook_store
from server.webhooks.due import CallId
from server.webhooks.settling import Settled
from server.webhooks.store import WebhookChange
from tests.delivery.queued import enqueue, rows_of, status_of
from tests.harness.clock import START_MS
from tests.harness.happenings import happen
from tests.harness.interleaving import Pair, Transaction
from tests.harness.rows import row_count, stored
from tests.store.test_webhooks import fan_out, register, settled

ORG = new_id()
MONTH_MS = 30 * 86_400_000
ADA, LATER = "ada@example.com", START_MS + 3_600_000


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


async def test_servers_release_different_emails(writer: Writer, pair: Pair) -> None:
    """Moving one waits until it is released, and then finds it no longer scheduled."""
    [email] = await enqueue(writer, rows_of(ORG, [ADA], scheduled_at=START_MS + 60_000))
    first, second = pair
    released, _ = first.run(due.read_due, LATER)
    assert [one.id for one in released] == [email.id]
    assert second.run(due.read_due, LATER)[0] == []
    moving = second.begin(
        Tx.change,
        update(emails)
        .where(emails.c.org_id == ORG, emails.c.status == "scheduled")
        .values(scheduled_at=LATER),
    )
    assert second.waits(moving)
    first.run(Tx.change, update(emails).where(emails.c.org_id == ORG).values(status="queued"))
    first.commit()
    assert second.result(moving) == 0


async def test_last_recipient_settles_the_email(database: Database, writer: Writer, pair: Pair) -> None:
    """Each transaction alone would see the other's recipient in the queue, and leave the email so."""
    [email] = await enqueue(writer, rows_of(ORG, [ADA, "bob@example.com"]))
    first, second = pair
    changes = [[Transition(ORG, email.id, no, "delivered", 1)] for no in (1, 2)]
    first.run(transitions.apply, changes[0], START_MS)
    applying = second.begin(transitions.apply, changes[1], START_MS)
    assert second.waits(applying)
    first.commit()
    second.result(applying)
    second.commit()
    assert await status_of(database, email) == "delivered"


def claimed(transaction: Transaction, owner: str) -> list[Claimed]:
    """Rows that a transaction claims without a wait."""
    return transaction.run(queue.claim, 10, owner=owner, now=LATER, until=LATER + 60_000).rows


async def test_servers_claim_different_rows(writer: Writer, pair: Pair) -> None:
    [email] = await enqueue(writer, rows_of(ORG, [ADA]))
    first, second = pair
    assert [row.key.email_id for row in claimed(first, "first")] == [email.id]
    assert claimed(second, "second") == []
    first.commit()
    assert claimed(second, "second") == []


async def test_lease_is_settled_once(writer: Writer, pair: Pair) -> None:
    await enqueue(writer, rows_of(ORG, [ADA]))
    held = await writer.run(queue.claim, 10, owner="first", now=LATER, until=LATER + 60_000)
    keys = [row.key for row in held.rows]
    first, second = pair
    assert first.run(queue.leased, keys) == set(keys)
    settling = second.begin(queue.leased, keys)
    assert second.waits(settling)
    first.run(queue.finish, keys)
    first.commit()
    assert second.result(settling) == set()


async def test_servers_resume_different_rows(writer: Writer, pair: Pair) -> None:
    await enqueue(writer, rows_of(ORG, [ADA]))

    def hold(tx: Tx) -> None:
        rows = queue.claim(tx, 10, owner="first", now=LATER, until=LATER + 60_000).rows
        queue.release(tx, [Release(row.key, held_since=LATER) for row in rows])

    await writer.run(hold)
    first, second = pair
    assert first.run(queue.resume, LATER, 10) == 1
    assert second.run(queue.resume, LATER, 10) == 0


async def a_call(database: Database, writer: Writer) -> CallId:
    """A call that waits for a new webhook."""
    id = await register(writer, ORG)
    await happen(writer, ORG, "email.sent")
    await fan_out(database, writer)
    [row] = await stored(database, select(webhook_calls.c.event_id))
    return CallId(ORG, id, row.event_id)


async def test_servers_take_different_calls(database: Database, writer: Writer, pair: Pair) -> None:
    call = await a_call(database, writer)
    first, second = pair
    of_first, of_second = (calls.Claim(owner, LATER, [call]) for owner in ("first", "second"))
    [[taken]] = first.run(calls.claim, [of_first])
    assert taken.key.event_id == call.event_id
    assert second.run(calls.claim, [of_second]) == [[]]


async def test_webhook_stays_as_its_readers_saw_it(writer: Writer, pair: Pair) -> None:
    """Readers do not wait for each other; who disables it waits for them."""
    key = ORG, await register(writer, ORG)
    first, second = pair
    assert first.run(webhook_store.statuses, [key]) == {key: "enabled"}
    assert second.run(webhook_store.statuses, [key]) == {key: "enabled"}
    disabling = second.begin(
        Tx.change, update(webhooks).where(webhooks.c.org_id == ORG).values(status="disabled")
    )
    assert second.waits(disabling)
    first.commit()
    assert second.result(disabling) == 1


async def an_attempt(database: Database, writer: Writer, *, succeeded: bool) -> Settled:
    """The result of an attempt that is not recorded yet."""
    [[call]] = await writer.submit(
        calls.claim, [calls.Claim("first", LATER, [await a_call(database, writer)])]
    )
    return replace(settled(call, next_at=LATER), succeeded=succeeded)


async def test_attempt_is_recorded_while_its_webhook_stays(
    database: Database, writer: Writer, pair: Pair
) -> None:
    """The removal of the webhook waits, and takes the record with it."""
    attempt = await an_attempt(database, writer, succeeded=True)
    first, second = pair
    first.run(settling.settle, [attempt])
    removing = second.begin(webhook_store.remove, [attempt.key.webhook])
    assert second.waits(removing)
    first.commit()
    assert second.result(removing) == [None]
    second.commit()
    assert await row_count(database, webhook_attempts) == 0


async def test_attempt_waits_for_the_removal_of_its_webhook(
    database: Database, writer: Writer, pair: Pair
) -> None:
    attempt = await an_attempt(database, writer, succeeded=True)
    first, second = pair
    first.run(webhook_store.remove, [attempt.key.webhook])
    recording = second.begin(settling.settle, [attempt])
    assert second.waits(recording)
    first.commit()
    second.result(recording)
    second.commit()
    assert await row_count(database, webhook_attempts) == 0


async def test_health_of_a_webhook_is_judged_one_after_the_other(
    database: Database, writer: Writer, pair: Pair
) -> None:
    """A failure that was recorded with a success uncommitted must not disable a webhook for its past."""
    attempt = await an_attempt(database, writer, succeeded=False)
    failing = update(webhooks).where(webhooks.c.org_id == ORG).values(failing_since=START_MS - MONTH_MS)
    await writer.run(Tx.change, failing)
    lost = replace(attempt, began_at=START_MS - MONTH_MS, attempted_at=LATER)
    first, second = pair
    first.run(settling.settle, [replace(attempt, succeeded=True)])
    judging = second.begin(settling.settle, [lost])
    assert second.waits(judging)
    first.commit()
    assert second.result(judging) == [None]


async def test_unclear_bounces_of_one_moment_count_as_two(
    database: Database, writer: Writer, pair: Pair
) -> None:
    [email] = await enqueue(writer, rows_of(ORG, [ADA]))
    bounce = Bounce(ORG, email.id, ADA, "5.0.0", "no")
    first, second = pair
    first.run(suppress_bounced, [bounce], START_MS)
    bouncing = second.begin(suppress_bounced, [bounce], START_MS)
    assert second.waits(bouncing)
    first.commit()
    second.result(bouncing)
    second.commit()
    assert set(await database.read(suppressed, [(ORG, ADA)], START_MS)) == {(ORG, ADA)}


async def test_unclear_bounce_counts_after_one_that_was_undone(
    database: Database, writer: Writer, pair: Pair
) -> None:
    """And those of more than 72 hours ago count no more, however many meet."""
    [email] = await enqueue(writer, rows_of(ORG, [ADA]))
    bounce = Bounce(ORG, email.id, ADA, "5.0.0", "no")
    await writer.run(suppress_bounced, [bounce], START_MS)
    first, second = pair
    first.run(suppress_bounced, [bounce], START_MS + MONTH_MS)
    bouncing = second.begin(suppress_bounced, [bounce], START_MS + MONTH_MS)
    assert second.waits(bouncing)
    first.end()
    second.result(bouncing)
    second.commit()
    assert set(await database.read(suppressed, [(ORG, ADA)], START_MS + MONTH_MS)) == set()


async def test_calls_wait_for_a_webhook_that_is_enabled_meanwhile(
    database: Database, writer: Writer, pair: Pair
) -> None:
    """Else calls of an enabled webhook would be given up."""
    call = await a_call(database, writer)
    [[claimed_call]] = await writer.submit(calls.claim, [calls.Claim("first", LATER, [call])])
    disable = update(webhooks).where(webhooks.c.org_id == ORG).values(status="disabled")
    await writer.run(Tx.change, disable)
    first, second = pair
    enabled = WebhookChange(None, None, "enabled")
    first.run(webhook_store.change, ORG, call.webhook_id, enabled, START_MS)
    releasing = second.begin(calls.release, [claimed_call.key])
    assert second.waits(releasing)
    first.commit()
    second.result(releasing)
    second.commit()
    [row] = await stored(database, select(webhook_calls.c.status, webhook_calls.c.due_at))
    assert (row.status, row.due_at is None) == ("pending", False)

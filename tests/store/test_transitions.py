"""State transitions on both engines: legal ones write their events, others change nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.db.database import Database
from server.db.writer import Writer, running_writer
from server.emails import transitions
from server.emails.lifecycle import Effect, Status
from server.emails.transitions import Reply, Result, Transition
from server.ids import new_id
from tests.delivery.queued import Queued, enqueue, events_of, recipients_of, rows_of, status_of
from tests.harness.clock import START_MS
from tests.harness.sqlite_plans import plans_of, scans

ORG = new_id()
ADDRESSES = ["ada@receiver.test", "bob@receiver.test", "eve@receiver.test"]


@pytest.fixture
async def email(writer: Writer) -> Queued:
    """A queued email to three recipients."""
    (email,) = await enqueue(writer, rows_of(ORG, ADDRESSES))
    return email


@pytest.fixture
async def other_writer(database: Database) -> AsyncIterator[Writer]:
    """The writer of another process."""
    writer = Writer(database)
    writer.start()
    yield writer
    await writer.close()


def change(email: Queued, no: int, status: Status, attempts: int | None = None, **more: object) -> Transition:
    return Transition(email.org_id, email.id, no, status, attempts, **more)  # type: ignore[arg-type]


async def apply(writer: Writer, *changes: Transition) -> list[Result]:
    return await writer.run(transitions.apply, changes, START_MS)


async def test_a_transition_changes_recipient_email_and_log(
    database: Database, writer: Writer, email: Queued
) -> None:
    reply = Reply(550, "5.1.1", "no such user", "mx.test")
    (result,) = await apply(writer, change(email, 2, "bounced", 3, reply=reply, possible_duplicate=True))
    (event,) = await events_of(database, email)
    assert result == (Effect.APPLIED, event.id)
    assert (event.type, event.recipient, event.attempt) == ("email.bounced", "bob@receiver.test", 3)
    assert (event.reply_code, event.reply_status, event.reply_text, event.remote_host) == reply
    assert (event.possible_duplicate, event.created_at) == (True, START_MS)
    recipients = await recipients_of(database, email)
    assert [row.status for row in recipients] == ["queued", "bounced", "queued"]
    assert recipients[1][2:] == (3, 550, "5.1.1")
    assert await status_of(database, email) == "queued"


async def test_a_report_leaves_the_reply_of_the_last_attempt(
    database: Database, writer: Writer, email: Queued
) -> None:
    await apply(writer, change(email, 1, "delivered", 2, reply=Reply(250, "2.0.0", "ok", "mx.test")))
    await apply(writer, change(email, 1, "complained", reply=Reply(text="abuse")))
    (recipient, *_) = await recipients_of(database, email)
    assert recipient == ("ada@receiver.test", "complained", 2, 250, "2.0.0")
    assert [event.reply_text for event in await events_of(database, email)] == ["ok", "abuse"]


async def test_illegal_and_repeated_transitions_change_nothing_beside_legal_ones(
    database: Database, writer: Writer, email: Queued
) -> None:
    await apply(writer, change(email, 1, "delivered", 1), change(email, 2, "complained"))
    unknown = Queued(email.org_id, new_id())
    of_others = Queued(new_id(), email.id)
    before = await events_of(database, email)
    results = await apply(
        writer,
        change(email, 1, "delivered", 2),
        change(email, 1, "queued", 2),
        change(email, 2, "complained", 2),
        change(email, 4, "delivered", 2),
        change(unknown, 1, "delivered", 2),
        change(of_others, 1, "delivered", 2),
        change(email, 3, "failed", 2),
    )
    repeated, illegal = Result(Effect.REPEATED), Result(Effect.ILLEGAL)
    assert results[:-1] == [repeated, illegal, repeated, illegal, illegal, illegal]
    assert results[-1].effect is Effect.APPLIED
    recipients = await recipients_of(database, email)
    assert [(row.status, row.attempts) for row in recipients] == [
        ("delivered", 1),
        ("complained", 0),
        ("failed", 2),
    ]
    assert [event.type for event in (await events_of(database, email))[len(before) :]] == ["email.failed"]


async def test_transitions_of_one_recipient_follow_one_another(
    database: Database, writer: Writer, email: Queued
) -> None:
    results = await apply(
        writer,
        change(email, 1, "delivery_delayed"),
        change(email, 1, "delivered", 2),
        change(email, 1, "complained"),
        change(email, 1, "delivered", 9),
    )
    assert [result.effect for result in results] == [Effect.APPLIED] * 3 + [Effect.ILLEGAL]
    (recipient, *_) = await recipients_of(database, email)
    assert (recipient.status, recipient.attempts) == ("complained", 2)
    types = [event.type for event in await events_of(database, email)]
    assert types == ["email.delivery_delayed", "email.delivered", "email.complained"]


async def test_recipients_share_the_event_of_their_email(database: Database, writer: Writer) -> None:
    rows = rows_of(ORG, ADDRESSES)
    rows["emails"][0]["status"] = "scheduled"
    for row in rows["recipients"]:
        row["status"] = "scheduled"
    (email,) = await enqueue(writer, rows)
    results = await apply(writer, *(change(email, no, "canceled") for no in (1, 2, 3)))
    (event,) = await events_of(database, email)
    assert (event.type, event.recipient) == ("email.canceled", "")
    assert results == [Result(Effect.APPLIED, event.id)] * 3
    assert await status_of(database, email) == "canceled"


async def test_a_message_that_a_provider_took_is_sent_and_later_delivered(
    database: Database, writer: Writer, email: Queued
) -> None:
    statuses = []
    for no in (1, 2, 3):
        assert await apply(writer, change(email, no, "sent", 1)) == [Result(Effect.APPLIED)]
        statuses.append(await status_of(database, email))
    for no in (1, 2, 3):
        await apply(writer, change(email, no, "delivered"))
        statuses.append(await status_of(database, email))
    assert statuses == ["queued", "queued", "sent", "sent", "sent", "delivered"]
    assert [event.type for event in await events_of(database, email)] == ["email.delivered"] * 3


async def test_processes_that_change_one_email_agree_on_its_status(
    database: Database, writer: Writer, other_writer: Writer
) -> None:
    emails = await enqueue(writer, *(rows_of(ORG, ADDRESSES[:2]) for _ in range(30)))
    for email in emails:
        await asyncio.gather(
            apply(writer, change(email, 1, "delivered", 1)),
            apply(other_writer, change(email, 2, "failed", 1)),
        )
    assert {await status_of(database, email) for email in emails} == {"failed"}


async def test_recipients_and_emails_are_found_by_index(sqlite_url: str) -> None:
    async with running_writer(sqlite_url) as writer:
        emails = await enqueue(writer, *(rows_of(ORG, ADDRESSES[:1]) for _ in range(50)))
    changes = [change(email, 1, "delivered", 1) for email in emails]
    steps = plans_of(sqlite_url, transitions.apply, changes, START_MS)
    assert len([step for step in steps if step.startswith("SEARCH recipients")]) == 50
    assert scans(steps) == []

"""Complaints and late bounces in the store, on both engines: the event, the states, the suppression."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.store import LeasedQueue
from server.emails.faults import EmailNotFound
from server.ids import new_id
from server.inbound.feedback import Feedback, record
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
from tests.harness.rows import stored

ORG = new_id()


def complaint(email: Queued, recipient: str = "ada@receiver.test", **more: Any) -> Feedback:
    given = {"org_id": email.org_id, "kind": "complained", "text": "abuse", **more}
    return Feedback(email_id=email.id, recipient=recipient, **given)


def bounce(email: Queued, recipient: str = "ada@receiver.test", status: str = "5.1.1") -> Feedback:
    return Feedback(email.org_id, email.id, recipient, "bounced", "no such user", status)


async def recorded(writer: Writer, feedback: Feedback, at: int = START_MS) -> str:
    return await writer.run(record, feedback, at)


async def suppressed(database: Database) -> list[tuple[Any, ...]]:
    columns = (suppressions.c.org_id, suppressions.c.address, suppressions.c.origin, suppressions.c.source_id)
    return await stored(database, select(*columns))


@pytest.fixture
async def email(writer: Writer) -> Queued:
    """To two recipients."""
    [email] = await enqueue(writer, rows_of(ORG, ["Ada@receiver.test", "bob@receiver.test"]))
    return email


async def test_a_complaint_is_an_event_and_a_suppression(
    database: Database, writer: Writer, email: Queued
) -> None:
    event_id = await recorded(writer, complaint(email))
    [event] = await events_of(database, email)
    assert (event.id, event.type, event.recipient, event.reply_text, event.created_at) == (
        event_id,
        "email.complained",
        "Ada@receiver.test",
        "abuse",
        START_MS,
    )
    assert await suppressed(database) == [(ORG, "ada@receiver.test", "complaint", email.id)]


@pytest.mark.parametrize("feedback", [complaint, bounce])
async def test_feedback_on_test_mail_suppresses_no_address(
    database: Database, writer: Writer, email: Queued, feedback: Callable[[Queued], Feedback]
) -> None:
    """F-5: test mail has no receiver, so no complaint or bounce of it can be real."""
    await writer.run(Tx.change, update(emails).where(emails.c.org_id == email.org_id).values(test=True))
    await recorded(writer, feedback(email))
    assert len(await events_of(database, email)) == 1
    assert await suppressed(database) == []


async def test_recipient_that_complained_is_not_sent_another_copy(
    database: Database, writer: Writer, email: Queued
) -> None:
    await recorded(writer, complaint(email))
    assert [row.no for row in await queue_of(database)] == [2]
    assert [row.status for row in await recipients_of(database, email)] == ["complained", "queued"]
    assert await status_of(database, email) == "queued"
    await recorded(writer, bounce(email, "bob@receiver.test"))
    assert await status_of(database, email) == "complained"


async def test_late_bounce_is_an_event_and_a_hard_bounce_suppresses(
    database: Database, writer: Writer, email: Queued
) -> None:
    await recorded(writer, bounce(email, "bob@receiver.test", "5.7.1"))
    assert await suppressed(database) == []
    event_id = await recorded(writer, bounce(email))
    event = (await events_of(database, email))[-1]
    assert (event.id, event.type, event.reply_status, event.reply_text) == (
        event_id,
        "email.bounced",
        "5.1.1",
        "no such user",
    )
    assert await suppressed(database) == [(ORG, "ada@receiver.test", "bounce", email.id)]
    assert await status_of(database, email) == "bounced"


async def test_the_same_report_twice_is_recorded_once(
    database: Database, writer: Writer, email: Queued
) -> None:
    first = await recorded(writer, complaint(email))
    again = await asyncio.gather(*(recorded(writer, complaint(email), START_MS + n) for n in range(8)))
    assert set(again) == {first}
    assert len(await events_of(database, email)) == 1


async def test_reports_at_the_same_time_are_recorded_once(
    database: Database, writer: Writer, email: Queued
) -> None:
    ids = await asyncio.gather(*(recorded(writer, bounce(email)) for _ in range(8)))
    [event] = await events_of(database, email)
    assert set(ids) == {event.id}


async def test_feedback_on_an_email_of_another_organisation_or_recipient_is_not_found(
    database: Database, writer: Writer, email: Queued
) -> None:
    for unknown in (
        complaint(email, "eve@receiver.test"),
        complaint(email, org_id=new_id()),
        complaint(Queued(ORG, new_id())),
    ):
        with pytest.raises(EmailNotFound):
            await recorded(writer, unknown)
    assert await events_of(database, email) == []
    assert await suppressed(database) == []


async def test_attempt_in_flight_changes_nothing_after_a_complaint(
    database: Database, writer: Writer, email: Queued
) -> None:
    queue = LeasedQueue(database, writer, ManualClock(), new_id(), 60.0)
    claimed = await queue.claim(10)
    await recorded(writer, complaint(email))
    kept = await queue.renew([row.key for row in claimed])
    assert [key.no for key in kept] == [2]

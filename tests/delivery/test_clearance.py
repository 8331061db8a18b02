"""The rights to a mail are read again just before MAIL: queued, retried or scheduled (contract row C-86)."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Table, Update, delete, update

from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tables.domains import domains
from server.db.tables.emails import emails, recipients
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.release import release
from server.suppressions.store import NewSuppression, add
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import (
    enqueue,
    events_of,
    has_status,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.smtp_sink import BANNER, SmtpSink
from tests.harness.waiting import until

HOUR_S = 3600
DAY_S = 24 * HOUR_S
NO_DOMAIN = "not sent: domain no longer verified"
BANNED = "not sent: the organisation is banned"


async def set_state(writer: Writer, org_id: str, state: str) -> None:
    await writer.run(
        Tx.change, update(organisations).where(organisations.c.org_id == org_id).values(state=state)
    )


async def delete_domain(writer: Writer, org_id: str) -> None:
    await writer.run(Tx.change, delete(domains).where(domains.c.org_id == org_id))


async def lose_domain(writer: Writer, org_id: str) -> None:
    """The domain is no longer verified, as when another organisation owns it by now."""
    await writer.run(Tx.change, update(domains).where(domains.c.org_id == org_id).values(verified=False))


async def ban(writer: Writer, org_id: str) -> None:
    await set_state(writer, org_id, "banned")


def is_held(database: Database, clock: ManualClock) -> Callable[[], Awaitable[bool]]:
    """A condition: the only row of the queue has no lease, and is due at no time that will come."""

    async def look() -> bool:
        [row] = await queue_of(database)
        return row.due_at > clock.now_ms() + 30 * DAY_S * 1000 and row.lease_owner is None

    return look


Happening = Callable[[Writer, str], Awaitable[None]]
HAPPENINGS = [
    pytest.param(delete_domain, NO_DOMAIN, id="its domain was deleted"),
    pytest.param(lose_domain, NO_DOMAIN, id="its domain is no longer verified"),
    pytest.param(ban, BANNED, id="its organisation was banned"),
]


@pytest.mark.parametrize(("happens", "text"), HAPPENINGS)
async def test_queued_mail_fails_when_its_organisation_may_no_longer_send_it(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    happens: Happening,
    text: str,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await happens(writer, org_id)
    await start_engine(sink.url)
    await until(has_status(database, email, "failed"))
    [event] = await events_of(database, email)
    assert (event.type, event.attempt, event.reply_status, event.reply_text) == (
        *("email.failed", 0, "5.7.1"),
        text,
    )
    assert sink.messages == []
    assert await queue_of(database) == []


@pytest.mark.parametrize(("happens", "text"), HAPPENINGS)
async def test_mail_that_waits_for_its_next_attempt_fails_then(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
    happens: Happening,
    text: str,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["451-rcpt@r.test"]))
    await start_engine(sink.url)
    await until(has_status(database, email, "delivery_delayed"))
    await happens(writer, org_id)
    mails = sink.said("MAIL")
    clock.advance(HOUR_S)
    await until(has_status(database, email, "failed"))
    [row] = await recipients_of(database, email)
    assert (row.attempts, row.reply_status) == (1, "5.7.1")
    assert (await events_of(database, email))[-1].reply_text == text
    assert sink.said("MAIL") == mails


@pytest.mark.parametrize(("happens", "text"), HAPPENINGS)
async def test_scheduled_mail_fails_at_its_time(
    database: Database, writer: Writer, org_id: str, happens: Happening, text: str
) -> None:
    later = START_MS + HOUR_S * 1000
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"], scheduled_at=later))
    await happens(writer, org_id)
    assert (await writer.run(release, later)).emails == 1
    [event] = await events_of(database, email)
    assert (event.type, event.reply_status, event.reply_text) == ("email.failed", "5.7.1", text)
    assert await queue_of(database) == []


async def test_mail_of_a_paused_organisation_is_held_and_goes_out_afterwards(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await set_state(writer, org_id, "paused")
    await start_engine(sink.url)
    await until(is_held(database, clock))
    clock.advance(10 * DAY_S)
    assert await status_of(database, email) == "queued"
    assert sink.messages == []
    await set_state(writer, org_id, "healthy")
    await until(has_status(database, email, "delivered"))
    [event] = await events_of(database, email)
    assert event.attempt == 1


async def test_the_lifetime_of_held_mail_stands_still(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    """It has four days: one before the pause, ten of the pause, and then three more."""
    [email] = await enqueue(writer, rows_of(org_id, ["451-rcpt@r.test"]))
    await start_engine(sink.url)
    await until(has_status(database, email, "delivery_delayed"))
    await set_state(writer, org_id, "paused")
    clock.advance(DAY_S)
    await until(is_held(database, clock))
    clock.advance(10 * DAY_S)
    await set_state(writer, org_id, "healthy")

    async def attempts() -> int:
        [row] = await recipients_of(database, email)
        return row.attempts

    async def was_tried_again() -> bool:
        return await attempts() >= 2

    await until(was_tried_again)
    assert await status_of(database, email) == "delivery_delayed"
    made = await attempts()
    clock.advance(2 * DAY_S)

    async def was_tried_once_more() -> bool:
        return await attempts() > made

    await until(was_tried_once_more)
    assert await status_of(database, email) == "delivery_delayed"
    clock.advance(2 * DAY_S)
    await until(has_status(database, email, "failed"))


async def test_pause_of_one_organisation_holds_up_no_other(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    paused = await enqueue(writer, *(rows_of(org_id, ["ok@r.test"]) for _ in range(300)))
    [other] = await enqueue(writer, rows_of("f" * 24, ["ok@r.test"]))
    await set_state(writer, org_id, "paused")
    await start_engine(sink.url)
    await until(has_status(database, other, "delivered"))
    assert len(sink.messages) == 1
    await set_state(writer, org_id, "review")
    await until(has_status(database, paused[-1], "delivered"))


async def test_a_recipient_suppressed_while_its_host_keeps_us_waiting_gets_nothing(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
) -> None:
    """Its message is built and a connection is open; MAIL was not said yet."""
    sink.banner = None
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test", "gone@r.test"]))
    await start_engine(sink.url)
    await until(lambda: sink.connections > 0)
    unwanted = NewSuppression(org_id=org_id, address="gone@r.test", origin="complaint", created_at=START_MS)
    await writer.run(add, [unwanted])
    sink.greet(BANNER)
    await until(lambda: bool(sink.messages))
    assert [message.rcpts for message in sink.messages] == [("ok@r.test",)]

    async def is_settled() -> bool:
        return await queue_of(database) == []

    await until(is_settled)
    assert [row.status for row in await recipients_of(database, email)] == ["delivered", "suppressed"]


@pytest.mark.parametrize("transport", ["capture", "simulator"])
async def test_mail_that_goes_to_no_host_is_read_again_too(
    database: Database, writer: Writer, org_id: str, start_engine: StartEngine, transport: str
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"], test=transport == "simulator"))
    await lose_domain(writer, org_id)
    await start_engine()
    await until(has_status(database, email, "failed"))


async def test_a_canceled_recipient_gets_nothing(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    email, other = await enqueue(writer, rows_of(org_id, ["ok@r.test"]), rows_of(org_id, ["other@r.test"]))
    for table, column in ((emails, emails.c.id), (recipients, recipients.c.email_id)):
        await writer.run(Tx.change, _canceled(table).where(column == email.id))
    await start_engine(sink.url)
    await until(has_status(database, other, "delivered"))

    async def is_settled() -> bool:
        return await queue_of(database) == []

    await until(is_settled)
    assert [message.rcpts for message in sink.messages] == [("other@r.test",)]
    assert await status_of(database, email) == "canceled"
    assert await events_of(database, email) == []


def _canceled(table: Table) -> Update:
    return update(table).values(status="canceled")

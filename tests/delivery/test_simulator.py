"""Simulated mail never leaves: the recipient's local part decides its outcome (contract row F-5)."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from server.db.database import Database
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.db.writer import Writer
from server.queue.rules import SIMULATED
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import Queued, enqueue, events_of, new_org, recipients_of, rows_of, status_of
from tests.harness.clock import ManualClock
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

AT = "@simulator.test"


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A receiver that mail would reach if it left."""
    async with SmtpSink() as sink:
        yield sink


async def types_of(database: Database, email: Queued) -> list[str]:
    return [event.type for event in await events_of(database, email)]


@pytest.mark.parametrize(
    ("local", "types", "status"),
    [
        ("delivered", ["email.delivered"], "delivered"),
        ("Delivered+any.label", ["email.delivered"], "delivered"),
        ("anybody", ["email.delivered"], "delivered"),
        ("bounced+1", ["email.bounced"], "bounced"),
        ("complained", ["email.delivered", "email.complained"], "complained"),
        ("suppressed+x", ["email.suppressed"], "suppressed"),
    ],
)
async def test_local_part_of_the_recipient_decides_the_outcome(
    database: Database,
    writer: Writer,
    start_engine: StartEngine,
    sink: SmtpSink,
    local: str,
    types: list[str],
    status: str,
) -> None:
    org_id = await new_org(writer)
    (email,) = await enqueue(writer, rows_of(org_id, [local + AT]))
    await start_engine(sink.url)

    async def settled() -> bool:
        return await status_of(database, email) == status

    await until(settled)
    assert await types_of(database, email) == types
    assert sink.connections == 0


async def test_a_delayed_recipient_gets_the_second_attempt(
    database: Database, writer: Writer, start_engine: StartEngine, clock: ManualClock
) -> None:
    org_id = await new_org(writer)
    (email,) = await enqueue(writer, rows_of(org_id, ["delayed+x" + AT]))
    engine = await start_engine()

    async def in_status(status: str) -> bool:
        engine.wake()
        return await status_of(database, email) == status

    await until(lambda: in_status("delivery_delayed"))
    clock.advance(3600)
    await until(lambda: in_status("delivered"))
    assert await types_of(database, email) == ["email.delivery_delayed", "email.delivered"]
    assert [event.attempt for event in await events_of(database, email)] == [1, 2]


async def test_real_recipients_beside_simulated_ones_get_their_mail(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    org_id = await new_org(writer)
    (email,) = await enqueue(writer, rows_of(org_id, ["bounced" + AT, "ok@r.test"]))
    await start_engine(sink.url)
    await until(lambda: sink.messages)

    async def statuses() -> list[str]:
        return [row.status for row in await recipients_of(database, email)]

    async def over() -> bool:
        return await statuses() == ["bounced", "delivered"]

    await until(over)
    assert [message.rcpts for message in sink.messages] == [("ok@r.test",)]


async def test_a_simulated_bounce_suppresses_no_address(
    database: Database, writer: Writer, start_engine: StartEngine
) -> None:
    org_id = await new_org(writer)
    (email,) = await enqueue(writer, rows_of(org_id, ["bounced" + AT, "complained" + AT]))
    await start_engine()

    async def over() -> bool:
        return len(await events_of(database, email)) == 3

    await until(over)
    assert await database.read(Tx.scalar, int, select(func.count()).select_from(suppressions)) == 0


async def test_test_mail_is_never_sent(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    """Mail of a test key is queued for the simulator; the names of other domains mean nothing to it."""
    org_id = await new_org(writer)
    rows = rows_of(org_id, ["bounced@r.test", "bounced" + AT])
    for row in rows["delivery_queue"]:
        row["site"] = SIMULATED
    (email,) = await enqueue(writer, rows)
    await start_engine(sink.url)

    async def over() -> bool:
        return [row.status for row in await recipients_of(database, email)] == ["delivered", "bounced"]

    await until(over)
    assert sink.connections == 0

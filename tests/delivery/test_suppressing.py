"""Bounces suppress addresses, suppressed ones get no mail: on both engines (Z-24; DELIVERY rows 27, 28)."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.tables.suppressions import suppressions, unclear_bounces
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.record import Settlement
from server.delivery.smtp.target import Timeouts
from server.delivery.store import LeasedQueue
from server.delivery.transports.mx import Mx
from server.ids import new_id
from server.net.dns import Resolver
from server.suppressions import bounces
from server.suppressions.store import NewSuppression, add
from tests.delivery.conftest import StartEngine
from tests.delivery.letters import settings
from tests.delivery.queued import (
    Queued,
    enqueue,
    events_of,
    new_org,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.dns_server import DnsServer
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

HOUR_S = 3600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(database: Database, writer: Writer, clock: ManualClock) -> LeasedQueue:
    return LeasedQueue(database, writer, clock, new_id(), 60.0)


async def bounce(
    writer: Writer, queue: LeasedQueue, org_id: str, address: str, enhanced: str, text: str = "no"
) -> Queued:
    """An email to `address` that was refused like this."""
    [email] = await enqueue(writer, rows_of(org_id, [address]))
    [row] = await queue.claim(1)
    settlement = Settlement(
        key=row.key,
        address=address,
        status="bounced",
        attempts=1,
        due_at=None,
        code=550,
        enhanced=enhanced,
        text=text,
        host="mx.test",
        uncertain=False,
        possible_duplicate=False,
        alone=True,
        of_mailbox=True,
    )
    assert await queue.settle([settlement]) == [True]
    return email


class Suppression(NamedTuple):
    address: str
    origin: str
    source_id: str | None


async def suppressed(database: Database, org_id: str) -> dict[str, tuple[str, str | None]]:
    """Origin and source by address."""
    columns = [suppressions.c[name] for name in Suppression._fields]
    rows = await database.read(Tx.all, Suppression, select(*columns).where(suppressions.c.org_id == org_id))
    return {row.address: (row.origin, row.source_id) for row in rows}


async def test_a_mailbox_that_does_not_exist_is_suppressed(
    database: Database, writer: Writer, queue: LeasedQueue
) -> None:
    org_id = new_id()
    email = await bounce(writer, queue, org_id, "Gone@receiver.test", "5.1.1")
    assert await suppressed(database, org_id) == {"gone@receiver.test": ("bounce", email.id)}


@pytest.mark.parametrize(
    ("enhanced", "text"), [("5.7.1", "not allowed"), ("5.3.4", "too big"), ("5.1.1", "listed as spam source")]
)
async def test_bounces_for_policy_or_size_suppress_no_address(
    database: Database, writer: Writer, queue: LeasedQueue, enhanced: str, text: str
) -> None:
    org_id = new_id()
    for _ in range(3):
        await bounce(writer, queue, org_id, "ada@receiver.test", enhanced, text)
    assert await suppressed(database, org_id) == {}


async def test_two_unclear_bounces_in_72_hours_suppress(
    database: Database, writer: Writer, queue: LeasedQueue, clock: ManualClock
) -> None:
    org_id = new_id()
    await bounce(writer, queue, org_id, "ada@receiver.test", "5.0.0")
    await bounce(writer, queue, org_id, "bob@receiver.test", "5.0.0")
    assert await suppressed(database, org_id) == {}
    clock.advance(71 * HOUR_S)
    second = await bounce(writer, queue, org_id, "Ada@receiver.test", "5.1.0")
    assert await suppressed(database, org_id) == {"ada@receiver.test": ("bounce", second.id)}


async def test_two_unclear_bounces_further_apart_do_not(
    database: Database, writer: Writer, queue: LeasedQueue, clock: ManualClock
) -> None:
    org_id = new_id()
    await bounce(writer, queue, org_id, "ada@receiver.test", "5.0.0")
    clock.advance(72 * HOUR_S)
    await bounce(writer, queue, org_id, "ada@receiver.test", "5.0.0")
    assert await suppressed(database, org_id) == {}


async def test_old_unclear_bounces_are_forgotten(
    database: Database, writer: Writer, queue: LeasedQueue, clock: ManualClock
) -> None:
    org_id = new_id()
    await bounce(writer, queue, org_id, "old@receiver.test", "5.0.0")
    clock.advance(HOUR_S)
    await bounce(writer, queue, org_id, "new@receiver.test", "5.0.0")
    clock.advance(71 * HOUR_S)
    assert not await writer.run(bounces.sweep, clock.now_ms())
    left = await database.read(Tx.scalars, str, select(unclear_bounces.c.address))
    assert left == ["new@receiver.test"]


async def test_test_mail_suppresses_no_address(
    database: Database, queue: LeasedQueue, writer: Writer
) -> None:
    """F-5."""
    org_id = new_id()
    [email] = await enqueue(writer, rows_of(org_id, ["gone@receiver.test"]))

    await writer.run(Tx.change, update(emails).where(emails.c.id == email.id).values(test=True))
    bounced = bounces.Bounce(org_id, email.id, "gone@receiver.test", "5.1.1", "no such user")
    await writer.run(bounces.suppress_bounced, [bounced], START_MS)
    assert await suppressed(database, org_id) == {}


async def test_smtp_refusal_suppresses_only_the_refused_recipient(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine
) -> None:
    org_id = await new_org(writer)
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test", "550-rcpt@r.test"]))
    await start_engine(sink.url)

    async def bounced() -> bool:
        return await status_of(database, email) == "bounced"

    await until(bounced)
    assert await suppressed(database, org_id) == {"550-rcpt@r.test": ("bounce", email.id)}


@pytest.mark.parametrize("verb", ["MAIL", "DATA", "DOT"])
async def test_refusal_at_another_command_than_rcpt_suppresses_no_address(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine, verb: str
) -> None:
    """C-60, C-85: it is about the sender, the content or the host, whatever its code says."""
    org_id = await new_org(writer)
    sink.replies[verb] = "550 5.1.1 no such user"
    waiting = await enqueue(writer, *(rows_of(org_id, ["ok@r.test"]) for _ in range(3)))
    await start_engine(sink.url)
    for email in waiting:
        await until(has_bounced(database, email))
    assert await suppressed(database, org_id) == {}


async def test_domain_that_does_not_exist_suppresses_no_address(
    database: Database, writer: Writer, start_engine: StartEngine
) -> None:
    """No mailbox was asked for, and a domain may come back."""
    org_id = await new_org(writer)
    async with DnsServer() as dns:
        [email] = await enqueue(writer, rows_of(org_id, ["ok@gone.test"]))
        configured = settings("mx", dns=dns.address)
        await start_engine(Mx(configured, Resolver(configured), Timeouts()))
        await until(has_bounced(database, email))
    assert await suppressed(database, org_id) == {}


def has_bounced(database: Database, email: Queued) -> Callable[[], Awaitable[bool]]:
    async def bounced() -> bool:
        return await status_of(database, email) == "bounced"

    return bounced


async def test_a_recipient_suppressed_after_acceptance_is_skipped(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine
) -> None:
    org_id = await new_org(writer)
    mixed, alone, other = await enqueue(
        writer,
        rows_of(org_id, ["ok@r.test", "Gone@r.test"]),
        rows_of(org_id, ["gone@r.test"]),
        rows_of(await new_org(writer), ["gone@r.test"]),
    )
    unwanted = NewSuppression(org_id=org_id, address="gone@r.test", origin="unsubscribe", created_at=START_MS)
    await writer.run(add, [unwanted])
    await start_engine(sink.url)

    async def settled() -> bool:
        return await queue_of(database) == []

    await until(settled)
    statuses = [await status_of(database, email) for email in (mixed, alone, other)]
    assert statuses == ["delivered", "suppressed", "delivered"]
    assert [row.status for row in await recipients_of(database, mixed)] == ["delivered", "suppressed"]
    events = await events_of(database, alone)
    assert [(event.type, event.recipient, event.attempt) for event in events] == [
        ("email.suppressed", "gone@r.test", 0)
    ]
    assert sorted(message.rcpts for message in sink.messages) == [("gone@r.test",), ("ok@r.test",)]

"""No mail goes out whose rights ended while it waited for a slow host (contract row C-86)."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tables.domains import domains
from server.db.tables.emails import recipients
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.emails.release import release
from server.suppressions.store import NewSuppression, add
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import DOMAIN_ID, enqueue, queue_of, rows_of
from tests.harness.clock import START_MS, ManualClock
from tests.harness.rows import own_values
from tests.harness.smtp_sink import BANNER, SmtpSink
from tests.harness.waiting import until

MAILS = 200
HOUR_S = 3600
ADDRESSES = [f"ok-{number}@r.test" for number in range(MAILS)]
NEVER_MS = START_MS + 30 * 24 * HOUR_S * 1000


async def suppress(writer: Writer, org_id: str) -> None:
    await writer.run(
        add,
        [
            NewSuppression(org_id=org_id, address=address, origin="complaint", created_at=START_MS)
            for address in ADDRESSES
        ],
    )


async def delete_domain(writer: Writer, org_id: str) -> None:
    await writer.run(domain_store.remove, org_id, DOMAIN_ID)


async def lose_domain(writer: Writer, org_id: str) -> None:
    await writer.run(Tx.change, update(domains).where(domains.c.org_id == org_id).values(verified=False))


async def pause(writer: Writer, org_id: str) -> None:
    await set_state(writer, org_id, "paused")


async def ban(writer: Writer, org_id: str) -> None:
    await set_state(writer, org_id, "banned")


async def set_state(writer: Writer, org_id: str, state: str) -> None:
    mine = organisations.c.org_id == org_id
    await writer.run(Tx.change, update(organisations).where(mine).values(state=state))


Happening = Callable[[Writer, str], Awaitable[None]]
HAPPENINGS = [
    pytest.param(suppress, "suppressed", id="suppressed"),
    pytest.param(delete_domain, "failed", id="domain deleted"),
    pytest.param(lose_domain, "failed", id="domain lost"),
    pytest.param(pause, None, id="paused"),
    pytest.param(ban, "failed", id="banned"),
]


async def statuses(database: Database, org_id: str) -> list[str]:
    query = select(recipients.c.status).where(recipients.c.org_id == org_id)
    return await database.read(own_values, str, query)


def are_ended(database: Database) -> Callable[[], Awaitable[bool]]:
    """A condition: no mail is to be delivered, or at no time that will come."""

    async def look() -> bool:
        return all(row.due_at > NEVER_MS for row in await queue_of(database))

    return look


def are_deferred(database: Database, org_id: str) -> Callable[[], Awaitable[bool]]:
    """A condition: every mail waits for its second attempt."""

    async def look() -> bool:
        return await statuses(database, org_id) == ["delivery_delayed"] * MAILS

    return look


@pytest.mark.parametrize("is_retried", [False, True], ids=["first attempt", "retried"])
@pytest.mark.parametrize(("happens", "status"), HAPPENINGS)
async def test_no_loaded_mail_goes_out_after_its_rights_ended(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
    happens: Happening,
    status: str | None,
    is_retried: bool,
) -> None:
    """Their messages are built, and connections are open; MAIL was said for none of them."""
    await enqueue(writer, *(rows_of(org_id, [address]) for address in ADDRESSES))
    if is_retried:
        sink.replies["MAIL"] = "451 4.3.0 not now"
        await start_engine(sink.url)
        await until(are_deferred(database, org_id))
        del sink.replies["MAIL"]
        for session in list(sink.sessions):
            session.abort()
        clock.advance(HOUR_S)
    waits_as = "delivery_delayed" if is_retried else "queued"
    mails = sink.said("MAIL")
    connections = sink.connections
    sink.banner = None
    if not is_retried:
        await start_engine(sink.url)
    await until(lambda: sink.connections > connections)
    await happens(writer, org_id)
    sink.banner = BANNER
    sink.greet(BANNER)
    await until(are_ended(database))
    assert sink.said("MAIL") == mails
    assert await statuses(database, org_id) == [status or waits_as] * MAILS


async def test_no_released_mail_goes_out_after_its_rights_ended(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    later = START_MS + HOUR_S * 1000
    await enqueue(writer, *(rows_of(org_id, [address], scheduled_at=later) for address in ADDRESSES))
    clock.advance(HOUR_S)
    assert (await writer.run(release, later)).emails == MAILS
    sink.banner = None
    await start_engine(sink.url)
    await until(lambda: sink.connections > 0)
    await suppress(writer, org_id)
    sink.banner = BANNER
    sink.greet(BANNER)
    await until(are_ended(database))
    assert sink.said("MAIL") == 0
    assert await statuses(database, org_id) == ["suppressed"] * MAILS

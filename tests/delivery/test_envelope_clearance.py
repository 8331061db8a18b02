"""Mail whose envelope is of another domain than its author needs both at its turn (contract row C-86)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update

from server.db.database import Database
from server.db.tables.domains import domains
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.emails.release import release
from server.ids import new_id
from server.wire.timestamps import timestamp
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import Queued, domain_of, enqueue, events_of, has_status, keys_of, new_org
from tests.delivery.raw import drafted
from tests.harness.clock import START_MS, ManualClock
from tests.harness.finished_messages import message
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

HOUR_S = 3600
NO_DOMAIN = "not sent: domain no longer verified"
ENVELOPE_DOMAIN_ID = new_id()


def add_envelope_domain(tx: Tx, org_id: str) -> None:
    """Another verified domain of the organisation."""
    keys = keys_of(ENVELOPE_DOMAIN_ID)
    domain_store.add(tx, org_id, ENVELOPE_DOMAIN_ID, f"bounces.{domain_of(org_id)}", keys, START_MS)
    is_it = (domains.c.org_id == org_id, domains.c.id == ENVELOPE_DOMAIN_ID)
    tx.change(update(domains).where(*is_it).values(verified=True))


async def enveloped(writer: Writer, **fields: Any) -> Queued:
    """A finished message whose envelope's sender is of another domain than its author."""
    org_id = await new_org(writer)
    await writer.run(add_envelope_domain, org_id)
    content = message(b"\r\ntext", f"Shop <shop@{domain_of(org_id)}>", to="ok@r.test")
    asked = {"mail_from": f"back@bounces.{domain_of(org_id)}"} | fields
    return (await enqueue(writer, drafted(org_id, content, **asked)))[0]


async def delete_envelope_domain(writer: Writer, org_id: str) -> None:
    await writer.run(domain_store.remove, org_id, ENVELOPE_DOMAIN_ID)


async def lose_envelope_domain(writer: Writer, org_id: str) -> None:
    is_it = (domains.c.org_id == org_id, domains.c.id == ENVELOPE_DOMAIN_ID)
    await writer.run(Tx.change, update(domains).where(*is_it).values(verified=False))


LOSSES = [delete_envelope_domain, lose_envelope_domain]


@pytest.mark.parametrize("loses", LOSSES)
async def test_queued_mail_fails_when_the_domain_of_its_envelope_is_gone(
    database: Database,
    writer: Writer,
    sink: SmtpSink,
    start_engine: StartEngine,
    loses: Callable[[Writer, str], Awaitable[None]],
) -> None:
    """Else it would go out in the name of the domain's next owner, from a host that its SPF allows."""
    email = await enveloped(writer)
    await loses(writer, email.org_id)
    await start_engine(sink.url)
    await until(has_status(database, email, "failed"))
    [event] = await events_of(database, email)
    assert (event.type, event.reply_status, event.reply_text) == ("email.failed", "5.7.1", NO_DOMAIN)
    assert sink.said("MAIL") == 0


@pytest.mark.parametrize("loses", LOSSES)
async def test_scheduled_mail_fails_when_the_domain_of_its_envelope_is_gone(
    database: Database, writer: Writer, loses: Callable[[Writer, str], Awaitable[None]]
) -> None:
    later = START_MS + HOUR_S * 1000
    email = await enveloped(writer, scheduled_at=timestamp(later))
    await loses(writer, email.org_id)
    assert (await writer.run(release, later)).emails == 1
    [event] = await events_of(database, email)
    assert (event.type, event.reply_status, event.reply_text) == ("email.failed", "5.7.1", NO_DOMAIN)


async def test_mail_with_the_envelope_of_another_domain_goes_out_while_both_are_verified(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine, clock: ManualClock
) -> None:
    later = START_MS + HOUR_S * 1000
    clock.advance(HOUR_S)
    emails_ = [await enveloped(writer), await enveloped(writer, scheduled_at=timestamp(later))]
    assert (await writer.run(release, later)).emails == 1
    await start_engine(sink.url)
    for email in emails_:
        await until(has_status(database, email, "delivered"))
    assert {found.mail_from.partition("@")[2] for found in sink.messages} == {
        f"bounces.{domain_of(email.org_id)}" for email in emails_
    }

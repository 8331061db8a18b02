"""Emails accepted into the queue of a store, and queries for their outcomes."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select, update
from zidimail.v1 import email_service_pb2 as pb

from server.accounts.store import add_organisation, change_organisation
from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tables.domains import dkim_keys, domains
from server.db.tables.emails import emails, recipients
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.domains.keys import NewKey, _make
from server.emails.accept import Acceptor
from server.emails.batch import Batch
from server.emails.draft import Draft, draft
from server.events import log
from server.events.rows import EventRow
from server.faults import Fault
from server.ids import new_id
from server.sealing import Seal
from server.wire.caller import KeyCaller
from server.wire.timestamps import timestamp
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier
from tests.harness.clock import START_MS, ManualClock
from tests.harness.rows import own_rows, own_value

SECRET = "for tests only"  # noqa: S105


@functools.cache
def seal() -> Seal:
    """Seals the keys of these tests."""
    return Seal(SECRET)


@functools.cache
def keys_of(domain_id: str) -> list[NewKey]:
    """A key pair of each algorithm; made once in a run, as making one takes a while."""
    return _make(domain_id, seal())


DOMAIN_ID = new_id()


@dataclass(frozen=True)
class Queued:
    """An accepted email."""

    org_id: str
    id: str


class RecipientRow(NamedTuple):
    """A recipient of an email and the result of its last attempt."""

    address: str
    status: str
    attempts: int
    reply_code: int | None
    reply_status: str | None


class QueueRow(NamedTuple):
    """A row of the delivery queue."""

    org_id: str
    email_id: str
    no: int
    due_at: int
    attempts: int
    crashes: int
    uncertain: bool
    lease_owner: str | None
    lease_token: int
    lease_until: int | None


def domain_of(org_id: str) -> str:
    """The verified domain of an organisation."""
    return f"{org_id}.test"


def add_domain(tx: Tx, org_id: str, domain_id: str = DOMAIN_ID, domain: str | None = None) -> None:
    """A verified domain with its keys, seen in DNS. All organisations use one pair of keys for an id."""
    domain_store.add(tx, org_id, domain_id, domain or domain_of(org_id), keys_of(domain_id), START_MS)
    tx.change(update(domains).where(domains.c.org_id == org_id).values(verified=True))
    tx.change(update(dkim_keys).where(dkim_keys.c.org_id == org_id).values(seen_at=START_MS))


def add_org(tx: Tx, org_id: str) -> None:
    """An organisation with a verified domain, which may send any number of emails at once."""
    add_organisation(
        tx,
        org_id,
        "Shop",
        owner_email="owner@example.com",
        plan="enterprise",
        # This profile limits recipients a day only.
        profile="level",
        sandbox=False,
        now_ms=START_MS,
    )
    change_organisation(tx, org_id, {"daily_limit": 10**9})
    add_domain(tx, org_id)


async def new_org(writer: Writer) -> str:
    """The id of a new organisation."""
    org_id = new_id()
    await writer.run(add_org, org_id)
    return org_id


def rows_of(
    org_id: str,
    to: Sequence[str],
    *,
    bcc: Sequence[str] = (),
    text: str = "Thank you.\n",
    files: Sequence[bytes] = (),
    accepted_at: int = START_MS,
    scheduled_at: int | None = None,
    test: bool = False,
    email_id: str | None = None,
    **fields: Any,
) -> Draft:
    """The rows of one email, as accepting it will write them. `fields` are others of the request."""
    given = {"from": f"Shop <shop@{domain_of(org_id)}>", "subject": "Your receipt"} | fields
    request = pb.SendEmailRequest(to=to, bcc=bcc, text=text, **given)
    for no, content in enumerate(files, start=1):
        request.attachments.add(filename=f"{no}.bin", content=content)
    if scheduled_at is not None:
        request.scheduled_at.CopyFrom(timestamp(scheduled_at))
    made = draft(request, KeyCaller(org_id, new_id(), "full", test=test), accepted_at, email_id)
    assert isinstance(made, Draft), made
    return made


async def enqueue(writer: Writer, *drafts: Draft, priority: int | None = None) -> list[Queued]:
    """Accepts emails, all of them or none; organisations that do not exist are added."""
    by_org: dict[str, list[Draft]] = {}
    for email in drafts:
        by_org.setdefault(email.org_id, []).append(email)
    await writer.run(_add_missing, by_org)
    clock = ManualClock(max(email.email["created_at"] for email in drafts))
    acceptor = Acceptor(writer, clock, AcceptLoad(), Notifier(), Notifier())
    answers = await asyncio.gather(
        *(acceptor.accept(Batch(org_id, emails, strict=True)) for org_id, emails in by_org.items())
    )
    for answer in answers:
        assert isinstance(answer, list), answer
        assert not [result for result in answer if isinstance(result, Fault)], answer
    queued = [Queued(email.org_id, email.email["id"]) for email in drafts]
    if priority is not None:
        # Accepting gives all mail one priority; the other classes exist in the queue only.
        ids = [email.id for email in queued]
        of_these = delivery_queue.c.email_id.in_(ids)
        await writer.run(Tx.change, update(delivery_queue).where(of_these).values(priority=priority))
    return queued


def _add_missing(tx: Tx, org_ids: Collection[str]) -> None:
    known = tx.scalars(str, select(organisations.c.org_id).where(organisations.c.org_id.in_(org_ids)))
    for org_id in sorted(set(org_ids).difference(known)):
        add_org(tx, org_id)


async def status_of(database: Database, email: Queued) -> str:
    """An email's status."""
    query = select(emails.c.status).where(emails.c.org_id == email.org_id, emails.c.id == email.id)
    status = await database.read(own_value, str, query)
    assert status is not None
    return status


def has_status(database: Database, email: Queued, status: str) -> Callable[[], Awaitable[bool]]:
    """A condition for `until`."""

    async def look() -> bool:
        return await status_of(database, email) == status

    return look


async def recipients_of(database: Database, email: Queued) -> list[RecipientRow]:
    """An email's recipients, in order."""
    columns = [recipients.c[name] for name in RecipientRow._fields]
    query = select(*columns).where(recipients.c.email_id == email.id).order_by(recipients.c.no)
    return await database.read(own_rows, RecipientRow, query)


async def queue_of(database: Database) -> list[QueueRow]:
    """All rows of the queue."""
    columns = [delivery_queue.c[name] for name in QueueRow._fields]
    return await database.read(
        own_rows, QueueRow, select(*columns).order_by(delivery_queue.c.email_id, delivery_queue.c.no)
    )


async def events_of(database: Database, email: Queued) -> list[EventRow]:
    """An email's events after the one of its acceptance, in order."""
    entries = await database.read(log.of_email, email.org_id, email.id)
    return [entry for entry in entries if entry.type not in ("email.sent", "email.scheduled")]

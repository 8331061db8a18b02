"""Emails queued in a store as acceptance leaves them, and queries for their outcomes."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update

from server.addresses import mailbox
from server.db.database import Database
from server.db.tables.domains import dkim_keys, domains
from server.db.tables.emails import email_contents, emails, recipients
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.domains.keys import NewKey, _make
from server.ids import new_id
from server.queue.rules import PRIORITY_TRANSACTIONAL, shard_of
from server.sealing import Seal
from tests.harness.clock import START_MS

SECRET = "for tests only"  # noqa: S105
DOMAIN = "sender.test"


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
    """An email that was put into a store."""

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


class EventRow(NamedTuple):
    """An event of an email."""

    id: str
    type: str
    recipient: str
    attempt: int
    reply_code: int | None
    reply_status: str | None
    reply_text: str | None
    remote_host: str | None
    possible_duplicate: bool
    created_at: int


def add_domain(tx: Tx, org_id: str) -> None:
    """A verified domain with its keys, seen in DNS."""
    domain_store.add(tx, org_id, DOMAIN_ID, DOMAIN, keys_of(DOMAIN_ID), START_MS)
    tx.change(update(domains).where(domains.c.org_id == org_id).values(verified=True))
    tx.change(update(dkim_keys).where(dkim_keys.c.org_id == org_id).values(seen_at=START_MS))


def rows_of(
    org_id: str,
    to: Sequence[str],
    *,
    bcc: Sequence[str] = (),
    text: str = "Thank you.\n",
    headers: str = "{}",
    sender: str = f"Shop <shop@{DOMAIN}>",
    accepted_at: int = START_MS,
    priority: int = PRIORITY_TRANSACTIONAL,
    shard: int | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The rows of one email, by table."""
    email_id = new_id()
    envelope = [(mailbox(address), kind) for kind, of in (("to", to), ("bcc", bcc)) for address in of]
    return {
        "emails": [
            {
                "org_id": org_id,
                "id": email_id,
                "domain_id": DOMAIN_ID,
                "key_id": None,
                "sender": sender,
                "subject": "Your receipt",
                "to": json.dumps(list(to)),
                "cc": "[]",
                "bcc": json.dumps(list(bcc)),
                "reply_to": "[]",
                "tags": "[]",
                "message_id": f"<{email_id}@{DOMAIN}>",
                "status": "queued",
                "created_at": accepted_at,
            }
        ],
        "email_contents": [
            {"org_id": org_id, "email_id": email_id, "html": None, "text": text, "headers": headers}
        ],
        "recipients": [
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": no,
                "kind": kind,
                "address": box.address,
                "status": "queued",
                "attempts": 0,
                "updated_at": accepted_at,
            }
            for no, (box, kind) in enumerate(envelope, start=1)
        ],
        "delivery_queue": [
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": no,
                "shard": shard_of(org_id) if shard is None else shard,
                "priority": priority,
                "site": box.domain,
                "due_at": accepted_at,
                "attempts": 0,
                "crashes": 0,
                "uncertain": False,
                "lease_token": 0,
            }
            for no, (box, _) in enumerate(envelope, start=1)
        ],
    }


TABLES = {
    "emails": emails,
    "email_contents": email_contents,
    "recipients": recipients,
    "delivery_queue": delivery_queue,
}


async def enqueue(writer: Writer, *rows: Mapping[str, list[dict[str, Any]]]) -> list[Queued]:
    """Puts emails into a store."""

    def insert_rows(tx: Tx) -> None:
        for name, table in TABLES.items():
            tx.change(insert(table), [row for email in rows for row in email[name]])

    await writer.run(insert_rows)
    return [Queued(email["emails"][0]["org_id"], email["emails"][0]["id"]) for email in rows]


async def new_org(writer: Writer) -> str:
    """The id of a new organisation; the first one in a store owns the verified domain."""
    org_id = new_id()

    def add_to_first(tx: Tx) -> None:
        if tx.scalar(str, select(domains.c.id).where(domains.c.verified)) is None:
            add_domain(tx, org_id)

    await writer.run(add_to_first)
    return org_id


async def status_of(database: Database, email: Queued) -> str:
    """An email's status."""
    query = select(emails.c.status).where(emails.c.org_id == email.org_id, emails.c.id == email.id)
    status = await database.read(Tx.scalar, str, query)
    assert status is not None
    return status


async def recipients_of(database: Database, email: Queued) -> list[RecipientRow]:
    """An email's recipients, in order."""
    columns = [recipients.c[name] for name in RecipientRow._fields]
    query = select(*columns).where(recipients.c.email_id == email.id).order_by(recipients.c.no)
    return await database.read(Tx.all, RecipientRow, query)


async def queue_of(database: Database) -> list[QueueRow]:
    """All rows of the queue."""
    columns = [delivery_queue.c[name] for name in QueueRow._fields]
    return await database.read(
        Tx.all, QueueRow, select(*columns).order_by(delivery_queue.c.email_id, delivery_queue.c.no)
    )


async def events_of(database: Database, email: Queued) -> list[EventRow]:
    """An email's events, in order."""
    columns = [events.c[name] for name in EventRow._fields]
    query = select(*columns).where(events.c.email_id == email.id).order_by(events.c.tx, events.c.seq)
    return await database.read(Tx.all, EventRow, query)

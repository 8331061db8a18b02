"""Emails that wait in a store, as accepting them would have left them, and what became of them."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.addresses import mailbox
from server.db.engine import Database
from server.db.schema import dkim_keys, domains, email_contents, emails, events, outq, recipients
from server.domains import store as domain_store
from server.domains.keys import NewKey, _make
from server.emails.draft import PRIORITY_TRANSACTIONAL, shard_of
from server.ids import new_id
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


async def add_domain(connection: AsyncConnection, org_id: str) -> None:
    """A verified domain with its keys, seen in DNS."""
    await domain_store.add(connection, org_id, DOMAIN_ID, DOMAIN, keys_of(DOMAIN_ID), START_MS)
    await connection.execute(update(domains).where(domains.c.org_id == org_id).values(verified=True))
    await connection.execute(update(dkim_keys).where(dkim_keys.c.org_id == org_id).values(seen_at=START_MS))


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
        "outq": [
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


TABLES = {"emails": emails, "email_contents": email_contents, "recipients": recipients, "outq": outq}


async def enqueue(database: Database, *rows: Mapping[str, list[dict[str, Any]]]) -> list[Queued]:
    """Puts emails into a store."""
    async with database.write() as connection:
        for name, table in TABLES.items():
            await connection.execute(insert(table), [row for email in rows for row in email[name]])
    return [Queued(email["emails"][0]["org_id"], email["emails"][0]["id"]) for email in rows]


async def new_org(database: Database) -> str:
    """An organisation's id, with a verified domain."""
    org_id = new_id()
    async with database.write() as connection:
        taken = await connection.scalar(select(domains.c.id).where(domains.c.verified))
        if taken is None:
            await add_domain(connection, org_id)
    return org_id


async def status_of(database: Database, email: Queued) -> str:
    """An email's status."""
    async with database.read() as connection:
        query = select(emails.c.status).where(emails.c.org_id == email.org_id, emails.c.id == email.id)
        return str((await connection.execute(query)).scalar_one())


async def recipients_of(database: Database, email: Queued) -> list[Any]:
    """An email's recipients, in order."""
    async with database.read() as connection:
        query = select(recipients).where(recipients.c.email_id == email.id).order_by(recipients.c.no)
        return list(await connection.execute(query))


async def queue_of(database: Database) -> list[Any]:
    """All rows of the queue."""
    async with database.read() as connection:
        return list(await connection.execute(select(outq).order_by(outq.c.email_id, outq.c.no)))


async def events_of(database: Database, email: Queued) -> list[Any]:
    """An email's events, in order."""
    async with database.read() as connection:
        query = select(events).where(events.c.email_id == email.id).order_by(events.c.tx, events.c.seq)
        return list(await connection.execute(query))

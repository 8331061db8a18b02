"""Emails and events written directly into the store, for the readers of the log."""

import json
from collections.abc import Sequence

from sqlalchemy import insert

from server.db.tables.emails import emails
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.ids import new_id
from tests.harness.clock import START_MS


async def happen(
    writer: Writer,
    org_id: str,
    *types: str,
    to: Sequence[str] = ("bob@example.net",),
    created_at: int = START_MS,
) -> str:
    """Stores an email to which events of these types happen, in one transaction; returns its id."""
    email_id = new_id()
    await writer.run(record, org_id, email_id, *types, to=to, created_at=created_at)
    return email_id


def record(
    tx: Tx,
    org_id: str,
    email_id: str,
    *types: str,
    to: Sequence[str] = ("bob@example.net",),
    created_at: int = START_MS,
) -> None:
    """`happen` within a transaction of the caller."""
    tx.change(
        insert(emails).values(
            org_id=org_id,
            id=email_id,
            domain_id=new_id(),
            key_id=None,
            sender="Ada <ada@mail.example.com>",
            subject="Hello",
            to=json.dumps(list(to)),
            cc="[]",
            bcc="[]",
            reply_to="[]",
            tags="[]",
            message_id=f"{email_id}@mail.example.com",
            status="queued",
            created_at=created_at,
        )
    )
    entries = [
        log.Entry(org_id=org_id, email_id=email_id, type=type, created_at=created_at) for type in types
    ]
    log.append(tx, entries)

"""The registered webhooks in the store."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import webhook_attempts, webhook_calls, webhooks
from server.events import log
from server.faults import WebhookNotFound
from server.wire.paging import Page

ENABLED = "enabled"
DISABLED = "disabled"

# Why a webhook is disabled.
OWNER = "owner"
GONE = "gone"
FAILING = "failing"

# How far a call has come.
PENDING = "pending"
ATTEMPTING = "attempting"
SUCCESS = "success"
FAILED = "failed"

# An organisation and one of its webhooks.
Key = tuple[str, str]
WebhookRow: TypeAlias = Row[*tuple[Any, ...]]

_PRIMARY_KEY = (webhooks.c.org_id, webhooks.c.id)
_LISTED = (webhooks.c.id, webhooks.c.url, webhooks.c.events, webhooks.c.status, webhooks.c.created_at)


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook to store; its secret is sealed."""

    org_id: str
    id: str
    url: str
    events: Sequence[str]
    secret: bytes
    created_at: int


def seal_context(id: str) -> str:
    """What the secret of a webhook is sealed for."""
    return f"webhook:{id}"


async def add(connection: AsyncConnection, new: Sequence[NewWebhook]) -> list[None]:
    """Stores webhooks that are told of what the log takes from now on; an act of the `Writer`."""
    since = await log.end(connection)
    await connection.execute(
        insert(webhooks),
        [
            {
                "org_id": webhook.org_id,
                "id": webhook.id,
                "url": webhook.url,
                "events": json.dumps(list(webhook.events)),
                "secret": webhook.secret,
                "status": ENABLED,
                "since_tx": since.tx,
                "since_seq": since.seq,
                "created_at": webhook.created_at,
            }
            for webhook in new
        ],
    )
    return [None] * len(new)


async def page_of_webhooks(
    connection: AsyncConnection, org_id: str, page: Page
) -> tuple[Sequence[WebhookRow], int]:
    """A page of an organisation's webhooks, newest first, and how many there are."""
    mine = webhooks.c.org_id == org_id
    total = await connection.scalar(select(func.count()).select_from(webhooks).where(mine))
    rows = await connection.execute(
        select(*_LISTED).where(mine).order_by(webhooks.c.id.desc()).limit(page.limit).offset(page.offset)
    )
    return rows.all(), total or 0


async def remove(connection: AsyncConnection, keys: Sequence[Key]) -> list[WebhookNotFound | None]:
    """Removes webhooks and their calls; an act of the `Writer`.

    The webhook goes first: whoever adds calls locks it meanwhile, so that none is left behind.
    """
    gone = {
        tuple(row)
        for row in await connection.execute(
            delete(webhooks)
            .where(among(connection, _PRIMARY_KEY, keys))
            .returning(webhooks.c.org_id, webhooks.c.id)
        )
    }
    if gone:
        for table in (webhook_calls, webhook_attempts):
            await connection.execute(
                delete(table).where(among(connection, (table.c.org_id, table.c.webhook_id), gone))
            )
    # Of two removals of one webhook in one transaction, the second finds nothing.
    outcomes: list[WebhookNotFound | None] = []
    for key in keys:
        outcomes.append(None if key in gone else WebhookNotFound(key[1]))
        gone.discard(key)
    return outcomes


async def disable(connection: AsyncConnection, keys: Collection[Key], reason: str, now_ms: int) -> None:
    """Disables webhooks: what waits for them is kept as failed, to be made again when its owner says so.

    A call in flight is recorded when it ends.
    """
    if not keys:
        return
    await connection.execute(
        update(webhooks)
        .where(among(connection, _PRIMARY_KEY, keys), webhooks.c.status == ENABLED)
        .values(status=DISABLED, disabled_reason=reason, disabled_at=now_ms)
    )
    await hold(connection, keys)


async def hold(connection: AsyncConnection, keys: Collection[Key]) -> None:
    """Keeps what waits for these webhooks as failed."""
    await connection.execute(
        update(webhook_calls)
        .where(
            among(connection, (webhook_calls.c.org_id, webhook_calls.c.webhook_id), keys),
            webhook_calls.c.lease_until.is_(None),
            webhook_calls.c.due_at.is_not(None),
        )
        .values(status=FAILED, due_at=None)
    )


async def of_organisations(connection: AsyncConnection, org_ids: Iterable[str]) -> Sequence[WebhookRow]:
    """The webhooks of these organisations: what they are told of, and since when."""
    return (
        await connection.execute(
            select(
                webhooks.c.org_id,
                webhooks.c.id,
                webhooks.c.events,
                webhooks.c.since_tx,
                webhooks.c.since_seq,
            ).where(webhooks.c.org_id.in_(list(org_ids)))
        )
    ).all()


async def statuses(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, str]:
    """The status of each of these webhooks that is there, which it keeps until the transaction ends."""
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id, webhooks.c.status)
        .where(among(connection, _PRIMARY_KEY, keys))
        .order_by(webhooks.c.org_id, webhooks.c.id)
        .with_for_update(read=True)
    )
    return {(row.org_id, row.id): row.status for row in rows}


async def endpoints(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, WebhookRow]:
    """Where the calls of these webhooks go, and their sealed secrets."""
    rows = await connection.execute(
        select(
            webhooks.c.org_id,
            webhooks.c.id,
            webhooks.c.url,
            webhooks.c.status,
            webhooks.c.secret,
            webhooks.c.secret_before,
            webhooks.c.secret_before_until,
        ).where(among(connection, _PRIMARY_KEY, keys))
    )
    return {(row.org_id, row.id): row for row in rows}

"""The registered webhooks in the store."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import webhook_calls, webhooks
from server.events import log
from server.faults import WebhookNotFound
from server.wire.paging import Page

ENABLED = "enabled"
DISABLED = "disabled"

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
    """Removes webhooks and the calls that wait for them; an act of the `Writer`.

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
    await drop_calls(connection, gone)
    # Of two removals of one webhook in one transaction, the second finds nothing.
    outcomes: list[WebhookNotFound | None] = []
    for key in keys:
        outcomes.append(None if key in gone else WebhookNotFound(key[1]))
        gone.discard(key)
    return outcomes


async def drop_calls(connection: AsyncConnection, keys: Collection[Key]) -> None:
    """Drops the calls that wait for these webhooks."""
    if keys:
        await connection.execute(
            delete(webhook_calls).where(
                among(connection, (webhook_calls.c.org_id, webhook_calls.c.webhook_id), keys)
            )
        )


async def enabled_of_organisations(
    connection: AsyncConnection, org_ids: Iterable[str]
) -> Sequence[WebhookRow]:
    """The enabled webhooks of these organisations: what they are told of, and since when."""
    return (
        await connection.execute(
            select(
                webhooks.c.org_id,
                webhooks.c.id,
                webhooks.c.events,
                webhooks.c.since_tx,
                webhooks.c.since_seq,
            ).where(webhooks.c.org_id.in_(list(org_ids)), webhooks.c.status == ENABLED)
        )
    ).all()


async def still_enabled(connection: AsyncConnection, keys: Collection[Key]) -> set[Key]:
    """Which of these webhooks are there and enabled, and stay so until the transaction ends."""
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id)
        .where(among(connection, _PRIMARY_KEY, keys), webhooks.c.status == ENABLED)
        .order_by(webhooks.c.org_id, webhooks.c.id)
        .with_for_update(read=True)
    )
    return {(row.org_id, row.id) for row in rows}


async def endpoints(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, WebhookRow]:
    """Where the calls of these webhooks go, and their sealed secrets."""
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id, webhooks.c.url, webhooks.c.secret).where(
            among(connection, _PRIMARY_KEY, keys)
        )
    )
    return {(row.org_id, row.id): row for row in rows}

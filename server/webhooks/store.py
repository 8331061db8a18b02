"""The registered webhooks in the store."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among, keys_parameter, one_of
from server.db.listing import Part, Stretch, newest_first
from server.db.prepared import Prepared
from server.db.schema import webhook_attempts, webhook_calls, webhooks
from server.events import log
from server.faults import ValidationFailed, Violation, WebhookNotFound

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
_SHOWN = (
    webhooks.c.id,
    webhooks.c.url,
    webhooks.c.events,
    webhooks.c.status,
    webhooks.c.disabled_reason,
    webhooks.c.disabled_at,
    webhooks.c.created_at,
)


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


async def listed(connection: AsyncConnection, org_id: str, wanted: Stretch) -> Part:
    """A part of an organisation's webhooks, newest first."""
    query = select(*_SHOWN).where(webhooks.c.org_id == org_id)
    return await newest_first(connection, query, webhooks.c.id, wanted)


async def get(connection: AsyncConnection, org_id: str, id: str) -> WebhookRow:
    """One webhook, without its secret. Raises `WebhookNotFound`."""
    query = select(*_SHOWN).where(webhooks.c.org_id == org_id, webhooks.c.id == id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise WebhookNotFound(id)
    return row


async def check_enabled(connection: AsyncConnection, org_id: str, id: str) -> None:
    """Raises `WebhookNotFound`, or `ValidationFailed` if the webhook is disabled; else it stays enabled until
    the transaction ends."""
    status = (await statuses(connection, [(org_id, id)])).get((org_id, id))
    if status is None:
        raise WebhookNotFound(id)
    if status != ENABLED:
        raise ValidationFailed([Violation("id", "is the id of a webhook that is disabled: enable it first")])


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of a webhook; what is None or empty stays as it is."""

    url: str | None
    events: Sequence[str]
    status: str | None


async def change(
    connection: AsyncConnection, org_id: str, id: str, wanted: Change, now_ms: int
) -> WebhookRow:
    """Changes a webhook and returns it. Raises `WebhookNotFound`.

    One that is enabled again begins without a past: nothing that failed before counts against it.
    """
    values: dict[str, Any] = {}
    if wanted.url is not None:
        values["url"] = wanted.url
    if wanted.events:
        values["events"] = json.dumps(list(wanted.events))
    if wanted.status == ENABLED:
        values |= {"status": ENABLED, "disabled_reason": "", "disabled_at": None, "failing_since": None}
    mine = (webhooks.c.org_id == org_id, webhooks.c.id == id)
    if values:
        await connection.execute(update(webhooks).where(*mine).values(values))
    if wanted.status == DISABLED:
        await disable(connection, [(org_id, id)], OWNER, now_ms)
    return await get(connection, org_id, id)


async def rotate(connection: AsyncConnection, org_id: str, id: str, secret: bytes, until: int) -> None:
    """Gives a webhook a new sealed secret beside the one that is good `until` a time.

    Raises `WebhookNotFound`.
    """
    done = await connection.execute(
        update(webhooks)
        .where(webhooks.c.org_id == org_id, webhooks.c.id == id)
        .values(secret=secret, secret_before=webhooks.c.secret, secret_before_until=until)
    )
    if done.rowcount != 1:
        raise WebhookNotFound(id)


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


async def hold_disabled(connection: AsyncConnection, keys: Collection[Key]) -> None:
    """Keeps what waits for those of these webhooks that were disabled while somebody had calls in hand."""
    if not keys:
        return
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id).where(
            among(connection, _PRIMARY_KEY, keys), webhooks.c.status == DISABLED
        )
    )
    if disabled := sorted((row.org_id, row.id) for row in rows):
        await hold(connection, disabled)


_LISTENERS = Prepared(
    lambda dialect: select(
        webhooks.c.org_id,
        webhooks.c.id,
        webhooks.c.events,
        webhooks.c.since_tx,
        webhooks.c.since_seq,
    ).where(one_of(dialect, (webhooks.c.org_id,)))
)


async def of_organisations(connection: AsyncConnection, org_ids: Iterable[str]) -> Sequence[WebhookRow]:
    """The webhooks of these organisations: what they are told of, and since when."""
    return await _LISTENERS.rows(connection, keys_parameter([(org_id,) for org_id in org_ids]))


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

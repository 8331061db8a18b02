"""The calls that a webhook was or will be told of: looked up, made again, forgotten (contract row F-3)."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, delete, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.listing import Part, Stretch, newest_first, newest_of, newest_passing
from server.db.schema import webhook_attempts, webhook_calls, webhooks
from server.faults import EventNotFound
from server.ids import least_id_of
from server.webhooks.intake import NewCall, add_calls
from server.webhooks.store import (
    ATTEMPTING,
    FAILED,
    PENDING,
    SUCCESS,
    Key,
    WebhookRow,
    check_enabled,
    get,
)

_LISTED = (
    webhook_calls.c.event_id,
    webhook_calls.c.type,
    webhook_calls.c.status,
    webhook_calls.c.attempts,
    webhook_calls.c.earlier_attempts,
    webhook_calls.c.due_at,
    webhook_calls.c.happened_at,
)
_STATUSES = frozenset({PENDING, ATTEMPTING, SUCCESS, FAILED})
# Written out: of a parameter, no engine could tell that `ix_webhook_calls_unsuccessful` has the rows.
_UNSUCCESSFUL = webhook_calls.c.status != literal_column(f"'{SUCCESS}'")


async def calls(
    connection: AsyncConnection, webhook: Key, statuses: Collection[str], wanted: Stretch
) -> Part:
    """A part of a webhook's calls, newest event first, without their bodies. Raises `WebhookNotFound`.

    Successful ones, which no index finds, are looked for behind at most `PASSED_OVER` others.
    """
    await get(connection, *webhook)
    query, id = select(*_LISTED).where(*_of(webhook)), webhook_calls.c.event_id
    chosen = sorted(_STATUSES.intersection(statuses))
    if len(chosen) in (0, len(_STATUSES)):
        return await newest_first(connection, query, id, wanted)
    if SUCCESS in chosen:
        return await newest_passing(connection, query, id, webhook_calls.c.status.in_(chosen), wanted)
    return await newest_of(connection, query, id, [_unsuccessful(status) for status in chosen], wanted)


async def call(connection: AsyncConnection, webhook: Key, event_id: str) -> WebhookRow:
    """One call with its body. Raises `WebhookNotFound`, `EventNotFound`."""
    await get(connection, *webhook)
    query = select(*_LISTED, webhook_calls.c.body).where(*_of(webhook), webhook_calls.c.event_id == event_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise EventNotFound(event_id)
    return row


async def attempts(connection: AsyncConnection, webhook: Key, event_id: str, wanted: Stretch) -> Part:
    """A part of the attempts of a call, newest first. Raises `WebhookNotFound`, `EventNotFound`."""
    await call(connection, webhook, event_id)
    query = select(webhook_attempts).where(
        webhook_attempts.c.org_id == webhook[0],
        webhook_attempts.c.webhook_id == webhook[1],
        webhook_attempts.c.event_id == event_id,
    )
    return await newest_first(connection, query, webhook_attempts.c.id, wanted)


async def add_test(connection: AsyncConnection, test: NewCall) -> None:
    """Adds a call that its owner asked for. Raises `WebhookNotFound`, and `ValidationFailed` if the webhook
    is disabled."""
    await check_enabled(connection, test.org_id, test.webhook_id)
    await add_calls(connection, [test], test.happened_at)


async def replay(connection: AsyncConnection, webhook: Key, event_id: str, now_ms: int) -> None:
    """Lets a call be made again, whatever came of it. Raises what `add_test` does, and `EventNotFound`."""
    await check_enabled(connection, *webhook)
    done = await connection.execute(_again(now_ms).where(*_of(webhook), webhook_calls.c.event_id == event_id))
    if done.rowcount != 1:
        raise EventNotFound(event_id)


async def failed(
    connection: AsyncConnection, webhook: Key, since: int, behind: str, most: int
) -> Sequence[str]:
    """The ids of events since a time whose calls failed, in order, at most `most` behind the event `behind`.

    To be asked while nobody waits for the transaction: among many that failed it takes a while to find few.
    """
    query = (
        select(webhook_calls.c.event_id)
        .where(
            *_of(webhook),
            _unsuccessful(FAILED),
            webhook_calls.c.event_id > behind,
            webhook_calls.c.happened_at >= since,
        )
        .order_by(webhook_calls.c.event_id)
        .limit(most)
    )
    return (await connection.execute(query)).scalars().all()


async def replay_failed(
    connection: AsyncConnection, webhook: Key, event_ids: Sequence[str], now_ms: int
) -> int:
    """Lets those of these calls be made again that failed; how many they are. Raises what `add_test` does."""
    await check_enabled(connection, *webhook)
    done = await connection.execute(
        _again(now_ms).where(
            *_of(webhook), webhook_calls.c.event_id.in_(event_ids), webhook_calls.c.status == FAILED
        )
    )
    return done.rowcount


async def webhooks_behind(connection: AsyncConnection, key: Key, most: int) -> Sequence[Key]:
    """Webhooks in order, at most so many behind `key`."""
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id)
        .where(
            (webhooks.c.org_id > key[0]) | ((webhooks.c.org_id == key[0]) & (webhooks.c.id > key[1])),
        )
        .order_by(webhooks.c.org_id, webhooks.c.id)
        .limit(most)
    )
    return [(row.org_id, row.id) for row in rows]


async def forget(connection: AsyncConnection, keys: Sequence[Key], before_ms: int, most: int) -> bool:
    """Forgets the settled calls and the attempts of these webhooks that are older than a time.

    At most `most` of each; whether there may be more. What counts is when the id was made.
    """
    bound = least_id_of(before_ms)
    more = False
    for org_id, webhook_id in keys:
        old_calls = (
            select(webhook_calls.c.event_id)
            .where(
                *_of((org_id, webhook_id)),
                webhook_calls.c.event_id < bound,
                webhook_calls.c.due_at.is_(None),
                webhook_calls.c.lease_until.is_(None),
            )
            .limit(most)
        )
        old_attempts = (
            select(webhook_attempts.c.id)
            .where(
                webhook_attempts.c.org_id == org_id,
                webhook_attempts.c.webhook_id == webhook_id,
                webhook_attempts.c.id < bound,
            )
            .limit(most)
        )
        gone = await connection.execute(
            delete(webhook_calls).where(*_of((org_id, webhook_id)), webhook_calls.c.event_id.in_(old_calls))
        )
        more |= gone.rowcount == most
        gone = await connection.execute(
            delete(webhook_attempts).where(
                webhook_attempts.c.org_id == org_id,
                webhook_attempts.c.webhook_id == webhook_id,
                webhook_attempts.c.id.in_(old_attempts),
            )
        )
        more |= gone.rowcount == most
    return more


def _of(webhook: Key) -> tuple[ColumnElement[Any], ...]:
    return webhook_calls.c.org_id == webhook[0], webhook_calls.c.webhook_id == webhook[1]


def _unsuccessful(status: str) -> ColumnElement[bool]:
    return and_(_UNSUCCESSFUL, webhook_calls.c.status == status)


def _again(now_ms: int) -> Update:
    """A new round of attempts, beginning now. An attempt under way is recorded and changes nothing else."""
    return update(webhook_calls).values(
        status=PENDING,
        due_at=now_ms,
        attempts=0,
        earlier_attempts=webhook_calls.c.earlier_attempts + webhook_calls.c.attempts,
        lease_owner=None,
        lease_until=None,
        lease_token=webhook_calls.c.lease_token + 1,
        created_at=now_ms,
    )

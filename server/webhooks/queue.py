"""The queue of calls in the store, claimed by lease."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, TextClause, UpdateBase, bindparam, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among, keys_parameter, one_of
from server.db.prepared import Prepared
from server.db.schema import webhook_calls
from server.webhooks.store import ENABLED, FAILED, Key, endpoints, hold_disabled

_PRIMARY_KEY = (webhook_calls.c.org_id, webhook_calls.c.webhook_id, webhook_calls.c.event_id)


class CallKey(NamedTuple):
    """A call, as claimed: whoever holds another token does not own it."""

    org_id: str
    webhook_id: str
    event_id: str
    token: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimer wants these calls (organisation, webhook, event) until a time."""

    owner: str
    until: int
    wanted: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call that is ours until its lease ends.

    `attempts` were made before in this round, which began at `created_at`, and `earlier` in the rounds
    before it.
    """

    key: CallKey
    type: str
    body: bytes
    attempts: int
    earlier: int
    created_at: int
    url: str
    secret: bytes  # sealed
    secret_before: bytes | None = None  # sealed
    secret_before_until: int | None = None


# The first call of the next webhook of the same organisation, or else of the next organisation. Apart, as
# SQLite would not look `(org_id, webhook_id) > (..., ...)` up but read a whole backlog.
_NEXT = """COALESCE(
            (SELECT c.{column} FROM webhook_calls AS c
             WHERE c.lease_until IS NULL AND c.due_at IS NOT NULL
                AND c.org_id = line.org_id AND c.webhook_id > line.webhook_id
             ORDER BY c.webhook_id, c.due_at, c.event_id LIMIT 1),
            (SELECT c.{column} FROM webhook_calls AS c
             WHERE c.lease_until IS NULL AND c.due_at IS NOT NULL AND c.org_id > line.org_id
             ORDER BY c.org_id, c.webhook_id, c.due_at, c.event_id LIMIT 1))"""
# Goes from webhook to webhook by the index, a look-up or two for each, however many calls wait for it.
_LINES = Prepared(
    lambda _: text(f"""
WITH RECURSIVE line(number, org_id, webhook_id, due_at) AS (
    SELECT 0, CAST(:org_id AS VARCHAR(24)), CAST(:webhook_id AS VARCHAR(24)), CAST(0 AS BIGINT)
    UNION ALL
    SELECT
        number + 1,
        {_NEXT.format(column="org_id")},
        {_NEXT.format(column="webhook_id")},
        {_NEXT.format(column="due_at")}
    FROM line
    WHERE line.org_id IS NOT NULL AND number < :most
)
SELECT org_id, webhook_id, due_at FROM line WHERE number > 0 AND org_id IS NOT NULL ORDER BY number
""")
)


async def lines(connection: AsyncConnection, after: Key, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Webhooks behind `after` for which calls wait, in order, each with its earliest due time."""
    return await _LINES.rows(connection, {"org_id": after[0], "webhook_id": after[1], "most": most})


async def due(
    connection: AsyncConnection, wanted: Sequence[tuple[Key, int]], now_ms: int
) -> list[tuple[str, str, str]]:
    """The calls due for each of these webhooks, earliest first, at most so many for each."""
    parameters: dict[str, Any] = {"now": now_ms}
    for number, ((org_id, webhook_id), most) in enumerate(wanted):
        parameters |= {f"org_{number}": org_id, f"webhook_{number}": webhook_id, f"most_{number}": most}
    return [tuple(row) for row in await connection.execute(_heads(len(wanted)), parameters)]


@cache
def _heads(count: int) -> TextClause:
    return text(
        " UNION ALL ".join(
            f"""SELECT org_id, webhook_id, event_id FROM (
                SELECT org_id, webhook_id, event_id FROM webhook_calls
                WHERE org_id = :org_{n} AND webhook_id = :webhook_{n} AND lease_until IS NULL
                    AND due_at IS NOT NULL AND due_at <= :now
                ORDER BY due_at, event_id LIMIT :most_{n}) AS head_{n}"""
            for n in range(count)
        )
    )


def _take(dialect: str) -> UpdateBase:
    free = (
        select(*_PRIMARY_KEY)
        .where(
            one_of(dialect, _PRIMARY_KEY),
            webhook_calls.c.lease_until.is_(None),
            webhook_calls.c.due_at.is_not(None),
        )
        .with_for_update(skip_locked=True)
    )
    return (
        update(webhook_calls)
        .where(tuple_(*_PRIMARY_KEY).in_(free))
        .values(
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
            lease_token=webhook_calls.c.lease_token + 1,
        )
        .returning(
            webhook_calls.c.org_id,
            webhook_calls.c.webhook_id,
            webhook_calls.c.event_id,
            webhook_calls.c.lease_token,
            webhook_calls.c.type,
            webhook_calls.c.body,
            webhook_calls.c.attempts,
            webhook_calls.c.earlier_attempts,
            webhook_calls.c.created_at,
        )
    )


_TAKE = Prepared(_take)


async def claim(connection: AsyncConnection, claims: Sequence[Claim]) -> list[list[Claimed]]:
    """Takes the wanted calls that nobody took meanwhile; an act of the `Writer`."""
    return [await _claim(connection, one) for one in claims]


async def _claim(connection: AsyncConnection, claim: Claim) -> list[Claimed]:
    lease = {"owner": claim.owner, "until": claim.until}
    taken = await _TAKE.rows(connection, keys_parameter(claim.wanted) | lease)
    targets = await endpoints(connection, {(row.org_id, row.webhook_id) for row in taken})
    claimed, idle = [], []
    for row in taken:
        target = targets.get((row.org_id, row.webhook_id))
        if target is None:
            continue  # removed this moment; its calls go with it
        key = CallKey(row.org_id, row.webhook_id, row.event_id, row.lease_token)
        if target.status != ENABLED:
            # It was disabled while an attempt was under way, which came back here.
            idle.append(fence_values(key) | {"to": FAILED, "next": None, "made": row.attempts})
            continue
        claimed.append(
            Claimed(
                key,
                row.type,
                row.body,
                row.attempts,
                row.earlier_attempts,
                row.created_at,
                target.url,
                target.secret,
                target.secret_before,
                target.secret_before_until,
            )
        )
    await MOVE.change(connection, idle)
    order = {key: position for position, key in enumerate(claim.wanted)}
    return sorted(claimed, key=lambda call: order[call.key[:3]])


@dataclass(frozen=True, slots=True)
class Renewal:
    """A claimer wants to keep its calls until a later time."""

    owner: str
    until: int
    keys: Collection[CallKey]


async def renew(connection: AsyncConnection, renewals: Sequence[Renewal]) -> list[set[CallKey]]:
    """Extends leases, and tells which were still held; an act of the `Writer`."""
    kept = []
    for renewal in renewals:
        rows = await connection.execute(
            update(webhook_calls)
            .where(
                among(connection, _PRIMARY_KEY, [key[:3] for key in renewal.keys]),
                webhook_calls.c.lease_owner == renewal.owner,
            )
            .values(lease_until=renewal.until)
            .returning(
                webhook_calls.c.org_id,
                webhook_calls.c.webhook_id,
                webhook_calls.c.event_id,
                webhook_calls.c.lease_token,
            )
        )
        kept.append({CallKey(*row) for row in rows})
    return kept


async def release(connection: AsyncConnection, keys: Sequence[CallKey]) -> list[None]:
    """Gives calls back that were not made; an act of the `Writer`.

    Those of a webhook that was disabled meanwhile are not made any more.
    """
    await connection.execute(
        update(webhook_calls).where(*_fence()).values(lease_owner=None, lease_until=None),
        [fence_values(key) for key in sorted(keys)],
    )
    await hold_disabled(connection, {key[:2] for key in keys})
    return [None] * len(keys)


async def release_expired(connection: AsyncConnection, times: Sequence[int]) -> list[int]:
    """Takes calls back from holders that died; tells how many. An act of the `Writer`."""
    done = await connection.execute(
        update(webhook_calls)
        .where(webhook_calls.c.lease_until < max(times))
        .values(lease_owner=None, lease_until=None)
    )
    return [done.rowcount] * len(times)


async def give_up_stale(connection: AsyncConnection, items: Sequence[tuple[Key, int]]) -> list[int]:
    """Gives a webhook's calls up that were due before a time; tells how many. An act of the `Writer`."""
    given_up = []
    for (org_id, webhook_id), before in items:
        done = await connection.execute(
            update(webhook_calls)
            .where(
                webhook_calls.c.org_id == org_id,
                webhook_calls.c.webhook_id == webhook_id,
                webhook_calls.c.lease_until.is_(None),
                webhook_calls.c.due_at < before,
            )
            .values(status=FAILED, due_at=None)
        )
        given_up.append(done.rowcount)
    return given_up


def _fence() -> tuple[Any, ...]:
    return (
        webhook_calls.c.org_id == bindparam("of_org"),
        webhook_calls.c.webhook_id == bindparam("of_webhook"),
        webhook_calls.c.event_id == bindparam("of_event"),
        webhook_calls.c.lease_token == bindparam("of_token"),
    )


def fence_values(key: CallKey) -> dict[str, Any]:
    """The parameters by which `MOVE` finds a call that is still held as it was claimed."""
    return {
        "of_org": key.org_id,
        "of_webhook": key.webhook_id,
        "of_event": key.event_id,
        "of_token": key.token,
    }


# Records how far a call has come, and gives it back.
MOVE = Prepared(
    lambda _: (
        update(webhook_calls)
        .where(*_fence())
        .values(
            status=bindparam("to"),
            due_at=bindparam("next"),
            attempts=bindparam("made"),
            lease_owner=None,
            lease_until=None,
        )
    )
)

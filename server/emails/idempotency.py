"""Idempotency keys: the first answer is stored with what it acknowledges (contract row F-1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import idempotency_keys

LIFETIME_MS = 24 * 3_600_000
# One sweep deletes at most so many rows, so that it never holds up an accept for long.
_SWEEP_ROWS = 1_000

_PRIMARY_KEY = (idempotency_keys.c.org_id, idempotency_keys.c.operation, idempotency_keys.c.key)
_INSERT = insert(idempotency_keys)


class Key(NamedTuple):
    """What a key is unique in: one organisation, one operation."""

    org_id: str
    operation: Literal["send", "batch"]
    key: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that was given, and the hash of the request that got it."""

    request_hash: bytes
    response: bytes


async def recall(connection: AsyncConnection, keys: Iterable[Key], now_ms: int) -> dict[Key, Remembered]:
    """The answers remembered under any of the keys; those that are too old are forgotten on the way."""
    wanted = list(set(keys))
    if not wanted:
        return {}
    rows = (
        await connection.execute(select(idempotency_keys).where(among(connection, _PRIMARY_KEY, wanted)))
    ).all()
    expired = [Key(row.org_id, row.operation, row.key) for row in rows if row.expires_at <= now_ms]
    if expired:
        await connection.execute(delete(idempotency_keys).where(among(connection, _PRIMARY_KEY, expired)))
    return {
        Key(row.org_id, row.operation, row.key): Remembered(row.request_hash, row.response)
        for row in rows
        if row.expires_at > now_ms
    }


async def known(connection: AsyncConnection, keys: Iterable[Key], now_ms: int) -> set[Key]:
    """Those of the keys under which an answer is remembered."""
    wanted = list(set(keys))
    if not wanted:
        return set()
    query = select(*_PRIMARY_KEY).where(
        among(connection, _PRIMARY_KEY, wanted), idempotency_keys.c.expires_at > now_ms
    )
    return {Key(*row) for row in await connection.execute(query)}


async def remember(connection: AsyncConnection, answers: dict[Key, Remembered], now_ms: int) -> None:
    """Stores new answers for 24 hours."""
    if answers:
        await connection.execute(
            _INSERT,
            [
                {
                    **key._asdict(),
                    "request_hash": answer.request_hash,
                    "response": answer.response,
                    "expires_at": now_ms + LIFETIME_MS,
                }
                for key, answer in answers.items()
            ],
        )


async def sweep(connection: AsyncConnection, now_ms: int) -> bool:
    """Deletes answers that are too old; whether there may be more of them."""
    old = (
        await connection.execute(
            select(*_PRIMARY_KEY).where(idempotency_keys.c.expires_at <= now_ms).limit(_SWEEP_ROWS)
        )
    ).all()
    if old:
        await connection.execute(delete(idempotency_keys).where(among(connection, _PRIMARY_KEY, old)))
    return len(old) == _SWEEP_ROWS

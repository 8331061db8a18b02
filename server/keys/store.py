"""API keys in the store."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.listing import Part, Stretch, newest_first
from server.db.schema import api_keys, domains
from server.faults import ApiKeyNotFound
from server.keys.mint import MintedKey
from server.wire.caller import PermissionName

KeyRow: TypeAlias = Row[*tuple[Any, ...]]

_SHOWN = (
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.style,
    api_keys.c.permission,
    api_keys.c.allowed_domains,
    api_keys.c.allowed_ips,
    api_keys.c.expires_at,
    api_keys.c.created_at,
    api_keys.c.last_used_at,
)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key was used at a time (milliseconds since 1970)."""

    org_id: str
    id: str
    at: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a key is bound to: nothing, unless it says so."""

    allowed_domains: Sequence[str] = ()
    allowed_ips: Sequence[str] = ()
    expires_at: int | None = None


UNBOUND = Bounds()


async def add(
    connection: AsyncConnection,
    org_id: str,
    key: MintedKey,
    name: str,
    permission: PermissionName,
    now_ms: int,
    bounds: Bounds = UNBOUND,
) -> None:
    """Stores a new key, its hash in place of itself."""
    await connection.execute(
        insert(api_keys).values(
            org_id=org_id,
            id=key.id,
            name=name,
            style=key.style,
            secret_hash=key.secret_hash,
            permission=permission,
            allowed_domains=json.dumps(list(bounds.allowed_domains)),
            allowed_ips=json.dumps(list(bounds.allowed_ips)),
            expires_at=bounds.expires_at,
            created_at=now_ms,
        )
    )


async def live_keys(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, KeyRow]:
    """The keys with these ids that were not revoked, of any organisation: nobody is known yet."""
    rows = await connection.execute(
        select(
            api_keys.c.org_id,
            api_keys.c.id,
            api_keys.c.secret_hash,
            api_keys.c.style,
            api_keys.c.permission,
            api_keys.c.allowed_domains,
            api_keys.c.allowed_ips,
            api_keys.c.expires_at,
            api_keys.c.last_used_at,
        ).where(api_keys.c.id.in_(list(ids)), api_keys.c.revoked_at.is_(None))
    )
    return {row.id: row for row in rows}


async def listed(connection: AsyncConnection, org_id: str, wanted: Stretch) -> Part:
    """A part of an organisation's keys, newest first and without the revoked."""
    query = select(*_SHOWN).where(api_keys.c.org_id == org_id, api_keys.c.revoked_at.is_(None))
    return await newest_first(connection, query, api_keys.c.id, wanted)


async def rename(connection: AsyncConnection, org_id: str, id: str, name: str) -> KeyRow:
    """Gives a key another label and returns it. Raises `ApiKeyNotFound`, also for one that was revoked."""
    rows = await connection.execute(
        update(api_keys)
        .where(api_keys.c.org_id == org_id, api_keys.c.id == id, api_keys.c.revoked_at.is_(None))
        .values(name=name)
        .returning(*_SHOWN)
    )
    row = rows.one_or_none()
    if row is None:
        raise ApiKeyNotFound(id)
    return row


async def domains_of(connection: AsyncConnection, org_id: str) -> dict[str, str]:
    """The names of an organisation's domains by their ids."""
    rows = await connection.execute(select(domains.c.id, domains.c.domain).where(domains.c.org_id == org_id))
    return {row.id: row.domain for row in rows}


async def revoke(connection: AsyncConnection, org_id: str, id: str, now_ms: int) -> bool:
    """Revokes a key; whether the organisation had it and it was not revoked before."""
    result = await connection.execute(
        update(api_keys)
        .where(api_keys.c.org_id == org_id, api_keys.c.id == id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now_ms)
    )
    return result.rowcount == 1


async def record_uses(connection: AsyncConnection, uses: list[KeyUse]) -> list[None]:
    """Notes when keys were last used; an act of the `Writer`. An older use does not undo a newer one."""
    # In one order everywhere, so that two servers that note the same keys cannot block each other.
    ordered = sorted(uses, key=lambda use: (use.org_id, use.id, use.at))
    await connection.execute(
        update(api_keys)
        .where(
            api_keys.c.org_id == bindparam("of_org"),
            api_keys.c.id == bindparam("of_key"),
            or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < bindparam("at")),
        )
        .values(last_used_at=bindparam("at")),
        [{"of_org": use.org_id, "of_key": use.id, "at": use.at} for use in ordered],
    )
    return [None] * len(uses)

"""API keys in the store."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam, insert, or_, select, update

from server.db.listing import Page, PageRequest, newest_first
from server.db.tables.accounts import organisations
from server.db.tables.domains import domains
from server.db.tables.keys import api_keys
from server.db.tx import Tx
from server.keys.faults import ApiKeyNotFound
from server.keys.mint import MintedKey, Style
from server.limits import check_room
from server.permissions import PermissionName


class ListedKey(NamedTuple):
    """A key as lists show it; `allowed_domains` and `allowed_ips` are JSON lists."""

    id: str
    name: str
    style: Style
    permission: PermissionName
    allowed_domains: str
    allowed_ips: str
    expires_at: int | None
    created_at: int
    last_used_at: int | None


class LiveKey(NamedTuple):
    """A key that was not revoked, as authentication needs it."""

    org_id: str
    id: str
    secret_hash: bytes
    style: Style
    permission: PermissionName
    allowed_domains: str
    allowed_ips: str
    expires_at: int | None
    last_used_at: int | None


class _Domain(NamedTuple):
    id: str
    domain: str


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
    """A use of a key, with its time in milliseconds since 1970 UTC."""

    org_id: str
    id: str
    at: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a key: its domains, its networks and its end (ms since 1970 UTC); empty for none."""

    allowed_domains: Sequence[str] = ()
    allowed_ips: Sequence[str] = ()
    expires_at: int | None = None


UNBOUND = Bounds()


def create(
    tx: Tx,
    org_id: str,
    key: MintedKey,
    name: str,
    permission: PermissionName,
    now_ms: int,
    bounds: Bounds = UNBOUND,
) -> None:
    """Stores a new key as `add` does. Raises `LimitReached`."""
    check_room(tx, org_id, "api_keys")
    add(tx, org_id, key, name, permission, now_ms, bounds)


def add(
    tx: Tx,
    org_id: str,
    key: MintedKey,
    name: str,
    permission: PermissionName,
    now_ms: int,
    bounds: Bounds = UNBOUND,
) -> None:
    """Stores the hash of a new key, with its name, permission and bounds."""
    tx.change(
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


def live_keys(tx: Tx, ids: Iterable[str]) -> dict[str, LiveKey]:
    """The keys with these ids that were not revoked, of any open organisation; for authentication."""
    closed = select(organisations.c.org_id).where(
        organisations.c.org_id == api_keys.c.org_id, organisations.c.closed_at.is_not(None)
    )
    query = select(
        api_keys.c.org_id,
        api_keys.c.id,
        api_keys.c.secret_hash,
        api_keys.c.style,
        api_keys.c.permission,
        api_keys.c.allowed_domains,
        api_keys.c.allowed_ips,
        api_keys.c.expires_at,
        api_keys.c.last_used_at,
    ).where(api_keys.c.id.in_(list(ids)), api_keys.c.revoked_at.is_(None), ~closed.exists())
    return {row.id: row for row in tx.all(LiveKey, query)}


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[ListedKey]:
    """A page of an organisation's keys that were not revoked, newest first."""
    query = select(*_SHOWN).where(api_keys.c.org_id == org_id, api_keys.c.revoked_at.is_(None))
    return newest_first(tx, ListedKey, query, api_keys.c.id, request)


def rename(tx: Tx, org_id: str, id: str, name: str) -> ListedKey:
    """Gives a key another name and returns it. Raises `ApiKeyNotFound`, also for a revoked key."""
    row = tx.first(
        ListedKey,
        update(api_keys)
        .where(api_keys.c.org_id == org_id, api_keys.c.id == id, api_keys.c.revoked_at.is_(None))
        .values(name=name)
        .returning(*_SHOWN),
    )
    if row is None:
        raise ApiKeyNotFound(id)
    return row


def domains_of(tx: Tx, org_id: str) -> dict[str, str]:
    """The names of an organisation's domains by their ids."""
    query = select(domains.c.id, domains.c.domain).where(domains.c.org_id == org_id)
    return {row.id: row.domain for row in tx.all(_Domain, query)}


def revoke(tx: Tx, org_id: str, id: str, now_ms: int) -> bool:
    """Revokes a key; False if the organisation has no such key or has revoked it before."""
    changed = tx.change(
        update(api_keys)
        .where(api_keys.c.org_id == org_id, api_keys.c.id == id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now_ms)
    )
    return changed == 1


def record_uses(tx: Tx, uses: list[KeyUse]) -> list[None]:
    """Stores the times of the last uses; an act of the `Writer`. An older use never replaces a newer one."""
    # In one order everywhere, so that two servers that record the same keys cannot block each other.
    ordered = sorted(uses, key=lambda use: (use.org_id, use.id, use.at))
    tx.change(
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

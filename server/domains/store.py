"""Domains and their DKIM keys in the store."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Row, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import dkim_keys, domains
from server.domains.keys import NewKey
from server.domains.rules import Checks, PublicKey, decide
from server.faults import DomainAlreadyExists, DomainNotFound, DomainOwnedElsewhere
from server.wire.paging import Page

DomainRow: TypeAlias = Row[*tuple[Any, ...]]
_PAIRS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A DKIM key that signs; `private_key` is sealed, see `server.domains.keys.private_key`."""

    domain: str
    selector: str
    algorithm: str
    private_key: bytes = field(repr=False)


async def verified_domains(
    connection: AsyncConnection, senders: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The ids of the verified ones among these (organisation, domain) pairs (contract row Z-12)."""
    query = select(domains.c.org_id, domains.c.domain, domains.c.id).where(domains.c.verified)
    return {
        (row.org_id, row.domain): row.id
        for condition, wanted in _look_ups(domains.c.org_id, domains.c.domain, senders)
        for row in await connection.execute(query.where(condition))
        if (row.org_id, row.domain) in wanted
    }


async def signing_keys(
    connection: AsyncConnection, of: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[SigningKey]]:
    """The keys that sign for these (organisation, domain id) pairs: those that DNS has shown (F-11).

    RSA comes before Ed25519. A pair without such a key is absent.
    """
    query = (
        select(
            dkim_keys.c.org_id,
            dkim_keys.c.domain_id,
            domains.c.domain,
            dkim_keys.c.selector,
            dkim_keys.c.algorithm,
            dkim_keys.c.private_key,
        )
        .join(domains, (domains.c.org_id == dkim_keys.c.org_id) & (domains.c.id == dkim_keys.c.domain_id))
        .where(dkim_keys.c.seen_at.is_not(None))
        .order_by(dkim_keys.c.created_at, dkim_keys.c.algorithm.desc())
    )
    keys: dict[tuple[str, str], list[SigningKey]] = {}
    for condition, wanted in _look_ups(dkim_keys.c.org_id, dkim_keys.c.domain_id, of):
        for row in await connection.execute(query.where(condition)):
            if (row.org_id, row.domain_id) in wanted:
                key = SigningKey(row.domain, row.selector, row.algorithm, row.private_key)
                keys.setdefault((row.org_id, row.domain_id), []).append(key)
    return keys


async def check_free(connection: AsyncConnection, org_id: str, domain: str) -> None:
    """Raises `DomainAlreadyExists`, or `DomainOwnedElsewhere` if another organisation has verified it."""
    mine = select(domains.c.id).where(domains.c.org_id == org_id, domains.c.domain == domain)
    if (await connection.execute(mine)).first() is not None:
        raise DomainAlreadyExists(domain)
    await _check_unowned(connection, org_id, domain)


async def add(
    connection: AsyncConnection,
    org_id: str,
    id: str,
    domain: str,
    keys: Sequence[NewKey],
    now_ms: int,
) -> DomainRow:
    """Stores a new domain with its keys. Raises what `check_free` does."""
    await check_free(connection, org_id, domain)
    await connection.execute(
        insert(domains).values(
            org_id=org_id,
            id=id,
            domain=domain,
            status="pending",
            verified=False,
            created_at=now_ms,
            **asdict(Checks()),
        )
    )
    await connection.execute(
        insert(dkim_keys),
        [
            {
                "org_id": org_id,
                "domain_id": id,
                "selector": key.selector,
                "algorithm": key.algorithm,
                "private_key": key.private_key,
                "public_key": key.public_key,
                "status": "pending",
                "created_at": now_ms,
                "seen_at": None,
            }
            for key in keys
        ],
    )
    return await get(connection, org_id, id)


async def get(connection: AsyncConnection, org_id: str, id: str, *, lock: bool = False) -> DomainRow:
    """One domain. Raises `DomainNotFound`."""
    query = select(domains).where(domains.c.org_id == org_id, domains.c.id == id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise DomainNotFound(id)
    return row


async def public_keys(connection: AsyncConnection, org_id: str, id: str) -> list[PublicKey]:
    """The DKIM keys of a domain, oldest first, RSA before Ed25519."""
    rows = await connection.execute(
        select(dkim_keys.c.selector, dkim_keys.c.algorithm, dkim_keys.c.public_key, dkim_keys.c.status)
        .where(dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id)
        .order_by(dkim_keys.c.created_at, dkim_keys.c.algorithm.desc())
    )
    return [PublicKey(row.selector, row.algorithm, row.public_key, row.status) for row in rows]


async def page_of_domains(
    connection: AsyncConnection, org_id: str, page: Page
) -> tuple[Sequence[DomainRow], int]:
    """A page of an organisation's domains, newest first, and how many there are."""
    total = await connection.scalar(
        select(func.count()).select_from(domains).where(domains.c.org_id == org_id)
    )
    rows = await connection.execute(
        select(domains)
        .where(domains.c.org_id == org_id)
        .order_by(domains.c.id.desc())
        .limit(page.limit)
        .offset(page.offset)
    )
    return rows.all(), total or 0


async def record_checks(
    connection: AsyncConnection,
    org_id: str,
    id: str,
    checks: Checks,
    keys: Sequence[PublicKey],
    now_ms: int,
) -> DomainRow:
    """Stores what a verification found and returns the domain as it is then.

    Raises `DomainNotFound` if it was removed meanwhile, `DomainOwnedElsewhere` if it would become verified
    while another organisation has verified it: then nothing is stored.
    """
    before = await get(connection, org_id, id, lock=True)
    verified, status = decide(checks, verified=before.verified, status=before.status)
    if verified and not before.verified:
        await _check_unowned(connection, org_id, before.domain)
    await connection.execute(
        update(domains)
        .where(domains.c.org_id == org_id, domains.c.id == id)
        .values(verified=verified, status=status, checked_at=now_ms, **asdict(checks))
    )
    await _record_keys(connection, org_id, id, keys, now_ms)
    return await get(connection, org_id, id)


async def take_as_verified(connection: AsyncConnection, org_id: str, id: str, now_ms: int) -> None:
    """Makes a domain verified on the operator's word, as if SPF and DKIM had been seen.

    Raises what `record_checks` does.
    """
    keys = [replace(key, status="verified") for key in await public_keys(connection, org_id, id)]
    await record_checks(connection, org_id, id, Checks(spf="verified", dkim="verified"), keys, now_ms)


async def remove(connection: AsyncConnection, org_id: str, id: str) -> None:
    """Removes a domain with its keys. Raises `DomainNotFound`."""
    result = await connection.execute(delete(domains).where(domains.c.org_id == org_id, domains.c.id == id))
    if result.rowcount != 1:
        raise DomainNotFound(id)
    await connection.execute(
        delete(dkim_keys).where(dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id)
    )


def _look_ups(
    org_id: Column[str], column: Column[str], pairs: Iterable[tuple[str, str]]
) -> Iterator[tuple[ColumnElement[bool], set[tuple[str, str]]]]:
    """Conditions that together find the rows of the pairs, and the pairs that each is meant to find.

    Two lists instead of a list of pairs, for which SQLite would scan the table; few pairs at a time,
    because each organisation is looked up with each of the others' values too.
    """
    ordered = sorted(pairs)
    for start in range(0, len(ordered), _PAIRS_AT_ONCE):
        wanted = set(ordered[start : start + _PAIRS_AT_ONCE])
        yield (
            and_(org_id.in_({first for first, _ in wanted}), column.in_({second for _, second in wanted})),
            wanted,
        )


async def _check_unowned(connection: AsyncConnection, org_id: str, domain: str) -> None:
    owner = await connection.scalar(
        select(domains.c.org_id).where(domains.c.domain == domain, domains.c.verified)
    )
    if owner not in {None, org_id}:
        raise DomainOwnedElsewhere(domain)


async def _record_keys(
    connection: AsyncConnection, org_id: str, id: str, keys: Sequence[PublicKey], now_ms: int
) -> None:
    mine = update(dkim_keys).where(
        dkim_keys.c.org_id == org_id,
        dkim_keys.c.domain_id == id,
        dkim_keys.c.selector == bindparam("of_selector"),
    )
    found = [key for key in keys if key.status in {"verified", "failed"}]
    unknown = [key for key in keys if key.status not in {"verified", "failed"}]
    if found:
        await connection.execute(
            mine.values(status=bindparam("found"), seen_at=bindparam("seen")),
            [
                {
                    "of_selector": key.selector,
                    "found": key.status,
                    "seen": now_ms if key.status == "verified" else None,
                }
                for key in found
            ],
        )
    if unknown:
        # A key that was seen signs on while DNS does not answer.
        await connection.execute(
            mine.values(status=bindparam("found")),
            [{"of_selector": key.selector, "found": key.status} for key in unknown],
        )

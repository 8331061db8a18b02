"""Domains and their DKIM keys in the store."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among, keys_parameter, one_of
from server.db.listing import Part, Stretch, newest_first
from server.db.prepared import Prepared
from server.db.schema import dkim_keys, domains
from server.domains.keys import NewKey
from server.domains.rules import Checks, PublicKey
from server.faults import DomainAlreadyExists, DomainNotFound, DomainOwnedElsewhere

DomainRow: TypeAlias = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A DKIM key that signs; `private_key` is sealed, see `server.domains.keys.private_key`."""

    domain: str
    selector: str
    algorithm: str
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Manners:
    """How mail from a domain is sent; None where nothing is said."""

    open_tracking: bool | None = None
    click_tracking: bool | None = None
    tls_enforced: bool | None = None


AS_USUAL = Manners()


_SENDER = (domains.c.org_id, domains.c.domain)
_VERIFIED = Prepared(
    lambda dialect: select(*_SENDER, domains.c.id).where(one_of(dialect, _SENDER), domains.c.verified)
)


async def verified_domains(
    connection: AsyncConnection, senders: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The ids of the verified ones among these (organisation, domain) pairs (contract row Z-12)."""
    rows = await _VERIFIED.rows(connection, keys_parameter(senders))
    return {(org_id, domain): id for org_id, domain, id in rows}


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
    of_domain = among(connection, (dkim_keys.c.org_id, dkim_keys.c.domain_id), of)
    for row in await connection.execute(query.where(of_domain)):
        key = SigningKey(row.domain, row.selector, row.algorithm, row.private_key)
        keys.setdefault((row.org_id, row.domain_id), []).append(key)
    return keys


async def enforcing_tls(connection: AsyncConnection, of: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (organisation, domain id) pairs whose mail may only travel encrypted."""
    key = (domains.c.org_id, domains.c.id)
    rows = await connection.execute(select(*key).where(among(connection, key, of), domains.c.tls_enforced))
    return {(org_id, id) for org_id, id in rows}


async def check_free(connection: AsyncConnection, org_id: str, domain: str) -> None:
    """Raises `DomainAlreadyExists`, or `DomainOwnedElsewhere` if another organisation has verified it."""
    mine = select(domains.c.id).where(domains.c.org_id == org_id, domains.c.domain == domain)
    if (await connection.execute(mine)).first() is not None:
        raise DomainAlreadyExists(domain)
    await check_unowned(connection, org_id, domain)


async def add(
    connection: AsyncConnection,
    org_id: str,
    id: str,
    domain: str,
    keys: Sequence[NewKey],
    now_ms: int,
    manners: Manners = AS_USUAL,
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
            open_tracking=bool(manners.open_tracking),
            click_tracking=bool(manners.click_tracking),
            tls_enforced=bool(manners.tls_enforced),
            created_at=now_ms,
            **asdict(Checks()),
        )
    )
    await add_keys(connection, org_id, id, keys, now_ms)
    return await get(connection, org_id, id)


async def add_keys(
    connection: AsyncConnection, org_id: str, id: str, keys: Sequence[NewKey], now_ms: int
) -> None:
    """Stores new keys of a domain, which DNS has still to show."""
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


async def drop_keys(connection: AsyncConnection, org_id: str, id: str, keys: Iterable[PublicKey]) -> None:
    """Forgets keys of a domain."""
    await connection.execute(
        delete(dkim_keys).where(
            dkim_keys.c.org_id == org_id,
            dkim_keys.c.domain_id == id,
            dkim_keys.c.selector.in_([key.selector for key in keys]),
        )
    )


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


async def listed(connection: AsyncConnection, org_id: str, wanted: Stretch) -> Part:
    """A part of an organisation's domains, newest first."""
    query = select(domains).where(domains.c.org_id == org_id)
    return await newest_first(connection, query, domains.c.id, wanted)


async def change(connection: AsyncConnection, org_id: str, id: str, settings: Manners) -> DomainRow:
    """Changes the settings that are given and returns the domain. Raises `DomainNotFound`."""
    values = {name: value for name, value in asdict(settings).items() if value is not None}
    if values:
        await connection.execute(
            update(domains).where(domains.c.org_id == org_id, domains.c.id == id).values(values)
        )
    return await get(connection, org_id, id)


async def remove(connection: AsyncConnection, org_id: str, id: str) -> None:
    """Removes a domain with its keys. Raises `DomainNotFound`."""
    result = await connection.execute(delete(domains).where(domains.c.org_id == org_id, domains.c.id == id))
    if result.rowcount != 1:
        raise DomainNotFound(id)
    await connection.execute(
        delete(dkim_keys).where(dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id)
    )


async def check_unowned(connection: AsyncConnection, org_id: str, domain: str) -> None:
    """Raises `DomainOwnedElsewhere` if another organisation has verified the domain."""
    owner = await connection.scalar(
        select(domains.c.org_id).where(domains.c.domain == domain, domains.c.verified)
    )
    if owner not in {None, org_id}:
        raise DomainOwnedElsewhere(domain)

"""Domains and their DKIM keys in the store."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Statement
from server.db.tables.domains import dkim_keys, domains
from server.db.tx import Tx
from server.domains.faults import DomainAlreadyExists, DomainOwnedElsewhere
from server.domains.keys import NewKey
from server.domains.rules import Algorithm, Checks, CheckStatus, DomainStatus, PublicKey
from server.faults import DomainNotFound
from server.limits import check_room


class DomainRow(NamedTuple):
    """A domain; times are milliseconds since 1970 UTC, `findings` is for `server.domains.findings.load`."""

    org_id: str
    id: str
    domain: str
    status: DomainStatus
    verified: bool
    spf: CheckStatus
    dkim: CheckStatus
    dmarc: CheckStatus
    return_path: CheckStatus
    open_tracking: bool
    click_tracking: bool
    tls_enforced: bool
    created_at: int
    checked_at: int | None
    findings: str | None
    failed_checks: int
    failing_since: int | None


class SigningKey(NamedTuple):
    """A DKIM key that signs; `private_key` is sealed, see `server.domains.keys.private_key`."""

    org_id: str
    domain_id: str
    domain: str
    selector: str
    algorithm: Algorithm
    private_key: bytes


class _VerifiedDomain(NamedTuple):
    org_id: str
    domain: str
    id: str


class _DomainKey(NamedTuple):
    org_id: str
    id: str


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """Sending options of a domain; None leaves the stored value."""

    open_tracking: bool | None = None
    click_tracking: bool | None = None
    tls_enforced: bool | None = None


DEFAULTS = DomainSettings()

_VERIFIED = Statement(
    _VerifiedDomain,
    "SELECT org_id, domain, id FROM domains WHERE (org_id, domain) IN {keys} AND verified",
    keys={"org_id": "text", "domain": "text"},
)
_STILL_VERIFIED = Statement(
    _DomainKey,
    "SELECT org_id, id FROM domains WHERE (org_id, id) IN {keys} AND verified",
    keys={"org_id": "text", "id": "text"},
)


def verified_domains(tx: Tx, senders: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The ids of the verified ones among these (organisation, domain) pairs (contract row Z-12)."""
    return {(row.org_id, row.domain): row.id for row in _VERIFIED.all(tx, senders)}


def verified_domain_ids(tx: Tx, domain_keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The ids of the verified ones among these (organisation, domain id) pairs."""
    return {(row.org_id, row.id): row.id for row in _STILL_VERIFIED.all(tx, domain_keys)}


def signing_keys(tx: Tx, domain_keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[SigningKey]]:
    """The keys that sign for these (organisation, domain id) pairs: the keys that DNS has shown (F-11).

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
    wanted = in_keys(tx, (dkim_keys.c.org_id, dkim_keys.c.domain_id), domain_keys)
    for key in tx.all(SigningKey, query.where(wanted)):
        keys.setdefault((key.org_id, key.domain_id), []).append(key)
    return keys


def verified_domain(tx: Tx, domain: str) -> tuple[str, str] | None:
    """The organisation and the id of the domain with this name that is verified; None if none is."""
    query = select(domains.c.org_id, domains.c.id).where(domains.c.domain == domain, domains.c.verified)
    return tx.first(_DomainKey, query)


def enforcing_tls(tx: Tx, domain_keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The ones among these (organisation, domain id) pairs whose mail must be sent over TLS."""
    key = (domains.c.org_id, domains.c.id)
    query = select(*key).where(in_keys(tx, key, domain_keys), domains.c.tls_enforced)
    return {(row.org_id, row.id) for row in tx.all(_DomainKey, query)}


def check_free(tx: Tx, org_id: str, domain: str) -> None:
    """Raises `DomainAlreadyExists`, or `DomainOwnedElsewhere` if another organisation has verified it."""
    mine = select(domains.c.id).where(domains.c.org_id == org_id, domains.c.domain == domain)
    if tx.scalar(str, mine) is not None:
        raise DomainAlreadyExists(domain)
    check_unowned(tx, org_id, domain)


def check_new(tx: Tx, org_id: str, domain: str) -> None:
    """Raises what `check_free` does, and `LimitReached`."""
    check_free(tx, org_id, domain)
    check_room(tx, org_id, "domains")


def create(
    tx: Tx,
    org_id: str,
    id: str,
    domain: str,
    keys: Sequence[NewKey],
    now_ms: int,
    settings: DomainSettings = DEFAULTS,
) -> DomainRow:
    """Stores a new domain as `add` does. Raises what `check_new` does."""
    check_new(tx, org_id, domain)
    return add(tx, org_id, id, domain, keys, now_ms, settings)


def add(
    tx: Tx,
    org_id: str,
    id: str,
    domain: str,
    keys: Sequence[NewKey],
    now_ms: int,
    settings: DomainSettings = DEFAULTS,
) -> DomainRow:
    """Stores a new domain with its keys. Raises what `check_free` does."""
    check_free(tx, org_id, domain)
    tx.change(
        insert(domains).values(
            org_id=org_id,
            id=id,
            domain=domain,
            status="pending",
            verified=False,
            open_tracking=bool(settings.open_tracking),
            click_tracking=bool(settings.click_tracking),
            tls_enforced=bool(settings.tls_enforced),
            created_at=now_ms,
            **asdict(Checks()),
        )
    )
    add_keys(tx, org_id, id, keys, now_ms)
    return get(tx, org_id, id)


def add_keys(tx: Tx, org_id: str, id: str, keys: Sequence[NewKey], now_ms: int) -> None:
    """Stores new keys of a domain; none signs until DNS shows it."""
    tx.change(
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


def delete_keys(tx: Tx, org_id: str, id: str, keys: Iterable[PublicKey]) -> None:
    """Deletes keys of a domain."""
    tx.change(
        delete(dkim_keys).where(
            dkim_keys.c.org_id == org_id,
            dkim_keys.c.domain_id == id,
            dkim_keys.c.selector.in_([key.selector for key in keys]),
        )
    )


def get(tx: Tx, org_id: str, id: str, *, lock: bool = False) -> DomainRow:
    """One domain. Raises `DomainNotFound`."""
    query = select(domains).where(domains.c.org_id == org_id, domains.c.id == id)
    row = tx.first(DomainRow, query.with_for_update() if lock else query)
    if row is None:
        raise DomainNotFound(id)
    return row


def public_keys(tx: Tx, org_id: str, id: str) -> list[PublicKey]:
    """The DKIM keys of a domain, oldest first, RSA before Ed25519."""
    query = (
        select(
            dkim_keys.c.selector,
            dkim_keys.c.algorithm,
            dkim_keys.c.public_key.label("data"),
            dkim_keys.c.status,
        )
        .where(dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id)
        .order_by(dkim_keys.c.created_at, dkim_keys.c.algorithm.desc())
    )
    return tx.all(PublicKey, query)


def get_with_keys(tx: Tx, org_id: str, id: str) -> tuple[DomainRow, list[PublicKey]]:
    """One domain and its DKIM keys. Raises `DomainNotFound`."""
    return get(tx, org_id, id), public_keys(tx, org_id, id)


def page(tx: Tx, org_id: str, request: PageRequest, names: Collection[str] = ()) -> Page[DomainRow]:
    """A page of an organisation's domains, newest first; only those with these names if any are given."""
    query = select(domains).where(domains.c.org_id == org_id)
    if names:
        query = query.where(domains.c.domain.in_(sorted(names)))
    return newest_first(tx, DomainRow, query, domains.c.id, request)


def change(tx: Tx, org_id: str, id: str, settings: DomainSettings) -> DomainRow:
    """Changes the settings that are given and returns the domain. Raises `DomainNotFound`."""
    values = {name: value for name, value in asdict(settings).items() if value is not None}
    if values:
        tx.change(update(domains).where(domains.c.org_id == org_id, domains.c.id == id).values(values))
    return get(tx, org_id, id)


def remove(tx: Tx, org_id: str, id: str) -> None:
    """Removes a domain with its keys. Raises `DomainNotFound`."""
    if tx.change(delete(domains).where(domains.c.org_id == org_id, domains.c.id == id)) != 1:
        raise DomainNotFound(id)
    tx.change(delete(dkim_keys).where(dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id))


def check_unowned(tx: Tx, org_id: str, domain: str) -> None:
    """Raises `DomainOwnedElsewhere` if another organisation has verified the domain."""
    owner = tx.scalar(str, select(domains.c.org_id).where(domains.c.domain == domain, domains.c.verified))
    if owner not in {None, org_id}:
        raise DomainOwnedElsewhere(domain)

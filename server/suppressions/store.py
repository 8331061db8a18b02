"""Suppressions in the store. Addresses are stored as `Mailbox.key`: bare, in lower case."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, delete, or_, select

from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Change, Statement
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.ids import is_id, new_id
from server.suppressions.rules import stand_in

Origin = Literal["bounce", "complaint", "unsubscribe", "manual"]
_KEY = (suppressions.c.org_id, suppressions.c.address)
_ID = (suppressions.c.org_id, suppressions.c.id)
_MAX_SWEPT = 1_000
# The recipient's own decision: it never expires, and no other origin replaces it.
_BY_RECIPIENT: tuple[Origin, ...] = ("complaint", "unsubscribe")


class SuppressionRow(NamedTuple):
    """A suppression; times are milliseconds since 1970 UTC."""

    id: str
    address: str
    origin: Origin
    source_id: str | None
    created_at: int
    expires_at: int | None


_SHOWN = tuple(suppressions.c[name] for name in SuppressionRow._fields)


class _SuppressedAddress(NamedTuple):
    org_id: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """An address to suppress from `created_at` on; times are milliseconds since 1970 UTC.

    `source_id` is the email that led to it. A complaint and an unsubscription have no `expires_at`.
    """

    org_id: str
    address: str
    origin: Origin
    created_at: int
    source_id: str | None = None
    expires_at: int | None = None
    id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        if self.origin in _BY_RECIPIENT and self.expires_at is not None:
            raise ValueError(f"a suppression of origin {self.origin} does not expire")


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria for suppressions of an organisation; None or empty for no criterion."""

    origins: Sequence[str] = ()
    search: str | None = None


_SUPPRESSED = Statement(
    _SuppressedAddress,
    """
    SELECT org_id, address FROM suppressions
    WHERE (org_id, address) IN {keys} AND (expires_at IS NULL OR expires_at > :now)
    """,
    keys={"org_id": "text", "address": "text"},
)
# An expired suppression is replaced. Another one keeps its id and its time, and changes only for a heavier
# one: a complaint or an unsubscription weighs more than what lasts, which weighs more than what expires.
_ADD = Change("""
    INSERT INTO suppressions (org_id, address, id, origin, source_id, created_at, expires_at)
    VALUES (:org_id, :address, :id, :origin, :source_id, :created_at, :expires_at)
    ON CONFLICT (org_id, address) DO UPDATE SET
        id = CASE WHEN suppressions.expires_at <= excluded.created_at
            THEN excluded.id ELSE suppressions.id END,
        created_at = CASE WHEN suppressions.expires_at <= excluded.created_at
            THEN excluded.created_at ELSE suppressions.created_at END,
        origin = excluded.origin,
        source_id = excluded.source_id,
        expires_at = excluded.expires_at
    WHERE suppressions.expires_at <= excluded.created_at
        OR CASE WHEN excluded.origin IN ('complaint', 'unsubscribe') THEN 2
            WHEN excluded.expires_at IS NULL THEN 1 ELSE 0 END
        > CASE WHEN suppressions.origin IN ('complaint', 'unsubscribe') THEN 2
            WHEN suppressions.expires_at IS NULL THEN 1 ELSE 0 END
""")


def suppressed(
    tx: Tx,
    pairs: Iterable[tuple[str, str]],
    now_ms: int,
    erasure_keys: Mapping[str, bytes] = MappingProxyType({}),
) -> Set[tuple[str, str]]:
    """The (organisation, address) pairs, of those given, that are suppressed at `now_ms`.

    `erasure_keys` are the keys of the organisations that have erased addresses: these are suppressed too.
    """
    if not erasure_keys:
        return set(_SUPPRESSED.all(tx, pairs, now=now_ms))
    pairs = set(pairs)
    stand_ins = {
        (org_id, stand_in(erasure_keys[org_id], address)): (org_id, address)
        for org_id, address in pairs
        if org_id in erasure_keys
    }
    found: Iterable[tuple[str, str]] = _SUPPRESSED.all(tx, [*pairs, *stand_ins], now=now_ms)
    return {stand_ins.get((org_id, address), (org_id, address)) for org_id, address in found}


def add(tx: Tx, new: Sequence[NewSuppression]) -> None:
    """Suppresses addresses; those that are suppressed already stay as they are.

    Two kinds replace an earlier one, which keeps its id: a complaint or an unsubscription replaces a
    bounce, and a lasting suppression one that would expire. An expired suppression is replaced by a new one.
    """
    # In one order, so that concurrent transactions do not wait for each other in a circle.
    _ADD.run(tx, [asdict(row) for row in sorted(new, key=lambda row: (row.org_id, row.address))])


def of_addresses(tx: Tx, org_id: str, addresses: Iterable[str], now_ms: int) -> dict[str, SuppressionRow]:
    """The suppressions of those addresses that are suppressed, by address."""
    keys = [(org_id, address) for address in addresses]
    rows = tx.all(SuppressionRow, select(*_SHOWN).where(in_keys(tx, _KEY, keys), _live(now_ms)))
    return {row.address: row for row in rows}


def get(tx: Tx, org_id: str, id_or_address: str, now_ms: int) -> SuppressionRow | None:
    """One suppression, by its id or its address."""
    column = suppressions.c.id if is_id(id_or_address) else suppressions.c.address
    query = select(*_SHOWN).where(suppressions.c.org_id == org_id, column == id_or_address, _live(now_ms))
    return tx.first(SuppressionRow, query)


def remove(tx: Tx, org_id: str, ids_or_addresses: Iterable[str], now_ms: int) -> list[SuppressionRow]:
    """Removes suppressions; returns those that existed."""
    ids: list[tuple[str, str]] = []
    addresses: list[tuple[str, str]] = []
    for id_or_address in ids_or_addresses:
        (ids if is_id(id_or_address) else addresses).append((org_id, id_or_address))
    removed: list[SuppressionRow] = []
    for columns, keys in ((_ID, ids), (_KEY, addresses)):
        if keys:
            condition = in_keys(tx, columns, keys)
            removed += tx.all(SuppressionRow, select(*_SHOWN).where(condition, _live(now_ms)))
            tx.change(delete(suppressions).where(condition))
    return removed


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some suppressions that have expired; True if more may be left."""
    expired = suppressions.c.expires_at <= now_ms
    keys = tx.all(_SuppressedAddress, select(*_KEY).where(expired).limit(_MAX_SWEPT))
    if keys:
        tx.change(delete(suppressions).where(in_keys(tx, _KEY, keys), expired))
    return len(keys) == _MAX_SWEPT


def page(tx: Tx, org_id: str, criteria: Filter, request: PageRequest, now_ms: int) -> Page[SuppressionRow]:
    """A page of suppressions, newest first."""
    query = select(*_SHOWN).where(suppressions.c.org_id == org_id, _live(now_ms))
    if criteria.origins:
        query = query.where(suppressions.c.origin.in_(criteria.origins))
    if criteria.search:
        query = query.where(suppressions.c.address.contains(criteria.search.lower(), autoescape=True))
    return newest_first(tx, SuppressionRow, query, suppressions.c.id, request)


def _live(now_ms: int) -> ColumnElement[bool]:
    """The condition that a suppression has not expired."""
    return or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > now_ms)

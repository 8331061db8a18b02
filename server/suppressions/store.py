"""Suppressions in the store. An address stands here as `Mailbox.key` gives it: bare, in lower case."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Row, bindparam, case, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among, keys_parameter, one_of
from server.db.listing import COUNTED, counted
from server.db.prepared import Prepared
from server.db.schema import suppressions
from server.db.upsert import upserting
from server.ids import is_id, new_id
from server.wire.paging import Page

Origin = Literal["bounce", "complaint", "unsubscribe", "manual"]
SuppressionRow: TypeAlias = Row[*tuple[Any, ...]]
_KEY = (suppressions.c.org_id, suppressions.c.address)
_ID = (suppressions.c.org_id, suppressions.c.id)
# What the owner of a mailbox said himself: it never expires, and nothing else takes its place.
_OWN_WISH: tuple[Origin, ...] = ("complaint", "unsubscribe")


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
        if self.origin in _OWN_WISH and self.expires_at is not None:
            raise ValueError(f"a suppression of origin {self.origin} does not expire")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which suppressions of an organisation: a criterion that is None or empty lets all pass."""

    origins: Sequence[str] = ()
    search: str | None = None
    older_than: str | None = None  # the id of a suppression
    newer_than: str | None = None  # the id of a suppression


async def suppressed(
    connection: AsyncConnection, pairs: Iterable[tuple[str, str]], now_ms: int
) -> set[tuple[str, str]]:
    """Those of the (organisation, address) pairs that are suppressed at `now_ms`."""
    parameters = keys_parameter(pairs) | {"now_ms": now_ms}
    return {(org_id, address) for org_id, address in await _SUPPRESSED.rows(connection, parameters)}


_SUPPRESSED = Prepared(
    lambda dialect: select(*_KEY).where(one_of(dialect, _KEY), live(bindparam("now_ms", type_=BigInteger)))
)


async def add(connection: AsyncConnection, new: Sequence[NewSuppression]) -> None:
    """Suppresses addresses; those that are suppressed already stay as they are.

    Only what weighs more changes an earlier one, which keeps its id: a complaint or an unsubscription
    takes the place of a bounce, and what lasts the place of what would expire. One that has expired makes
    room for a new one.
    """
    if new:
        # In one order, so that concurrent transactions do not wait for each other in a circle.
        ordered = sorted(new, key=lambda row: (row.org_id, row.address))
        await connection.execute(_upsert(connection.dialect.name), [asdict(row) for row in ordered])


async def of_addresses(
    connection: AsyncConnection, org_id: str, addresses: Iterable[str], now_ms: int
) -> dict[str, SuppressionRow]:
    """Those of the addresses that are suppressed, by address."""
    keys = [(org_id, address) for address in addresses]
    rows = await connection.execute(select(suppressions).where(among(connection, _KEY, keys), live(now_ms)))
    return {row.address: row for row in rows}


async def get(
    connection: AsyncConnection, org_id: str, id_or_address: str, now_ms: int
) -> SuppressionRow | None:
    """One suppression, by its id or its address."""
    column = suppressions.c.id if is_id(id_or_address) else suppressions.c.address
    query = select(suppressions).where(suppressions.c.org_id == org_id, column == id_or_address, live(now_ms))
    return (await connection.execute(query)).one_or_none()


async def remove(
    connection: AsyncConnection, org_id: str, ids_or_addresses: Iterable[str], now_ms: int
) -> list[SuppressionRow]:
    """Lifts suppressions; returns those that there were."""
    ids: list[tuple[str, str]] = []
    addresses: list[tuple[str, str]] = []
    for wanted in ids_or_addresses:
        (ids if is_id(wanted) else addresses).append((org_id, wanted))
    lifted: list[SuppressionRow] = []
    for columns, keys in ((_ID, ids), (_KEY, addresses)):
        if keys:
            condition = among(connection, columns, keys)
            rows = await connection.execute(select(suppressions).where(condition, live(now_ms)))
            lifted += rows.all()
            await connection.execute(delete(suppressions).where(condition))
    return lifted


async def page(
    connection: AsyncConnection, org_id: str, wanted: Filter, page: Page, now_ms: int
) -> tuple[Sequence[SuppressionRow], bool, int]:
    """A page of suppressions, newest first; whether more follow; how many match, if `COUNTED` then so many
    or more."""
    columns = suppressions.c
    criteria: list[ColumnElement[bool]] = [columns.org_id == org_id, live(now_ms)]
    if wanted.origins:
        criteria.append(columns.origin.in_(wanted.origins))
    if wanted.search:
        criteria.append(columns.address.contains(wanted.search.lower(), autoescape=True))
    if wanted.older_than is not None:
        criteria.append(columns.id < wanted.older_than)
    if wanted.newer_than is not None:
        criteria.append(columns.id > wanted.newer_than)
    total = await counted(connection, [select(columns.id).where(*criteria)], COUNTED)
    # Walking towards newer ones, the page nearest to the cursor is the oldest.
    upwards = wanted.newer_than is not None and wanted.older_than is None
    order = columns.id.asc() if upwards else columns.id.desc()
    query = select(suppressions).where(*criteria).order_by(order).limit(page.limit + 1).offset(page.offset)
    rows = (await connection.execute(query)).all()
    shown = rows[: page.limit]
    return (shown[::-1] if upwards else shown), len(rows) > page.limit, total


def live(now_ms: int | ColumnElement[int]) -> ColumnElement[bool]:
    """That a suppression has not expired."""
    return or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > now_ms)


@cache
def _upsert(dialect: str) -> Any:
    insert = upserting(dialect, suppressions)
    old, new = suppressions.c, insert.excluded
    has_expired = old.expires_at <= new.created_at
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "id": case((has_expired, new.id), else_=old.id),
            "created_at": case((has_expired, new.created_at), else_=old.created_at),
            "origin": new.origin,
            "source_id": new.source_id,
            "expires_at": new.expires_at,
        },
        where=or_(has_expired, _weight(new) > _weight(old)),
    )


def _weight(columns: Any) -> ColumnElement[int]:
    own_wish = or_(*(columns.origin == origin for origin in _OWN_WISH))
    return case((own_wish, 2), (columns.expires_at.is_(None), 1), else_=0)

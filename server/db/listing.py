"""Lists of rows, newest first, by page number or by cursor, at the same cost however long they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all

from server.db.rows import R
from server.db.tx import Tx

# A query as these functions take it. Its columns have no static type: `Tx.all` checks them against the row.
Query = Select[*tuple[Any, ...]]

# Totals are exact up to this number of rows, unless a caller gives another.
MAX_COUNTED = 10_000
# The most rows that are read in search of those that pass a check which no index answers.
MAX_SCANNED = 10_000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page: `limit` rows after `offset`, optionally older than `after` or newer than `before`.

    `after` and `before` are ids. Towards newer rows, the page nearest to the id is meant.
    """

    limit: int
    offset: int = 0
    after: str | None = None
    before: str | None = None

    @property
    def number(self) -> int:
        """The number of the page, from 1."""
        return self.offset // self.limit + 1

    @property
    def is_upward(self) -> bool:
        """True if the list is read towards newer rows."""
        return self.before is not None and self.after is None

    def bounds(self, id: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """The conditions that keep `id` older than `after` and newer than `before`."""
        bounds = []
        if self.after is not None:
            bounds.append(id < self.after)
        if self.before is not None:
            bounds.append(id > self.before)
        return bounds

    def ordered(self, query: Query, id: ColumnElement[str]) -> Query:
        """The query in the order in which the list is read."""
        return query.order_by(id.asc() if self.is_upward else id.desc())


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of a list, newest first, whether more follow, and the length of the whole list.

    `total` is exact below the `max_counted` of the query; at that number it means this number or more.
    """

    rows: Sequence[R]
    has_more: bool
    total: int


def newest_first(
    tx: Tx,
    row: type[R],
    query: Query,
    id: ColumnElement[str],
    request: PageRequest,
    *,
    max_counted: int = MAX_COUNTED,
) -> Page[R]:
    """A page of the rows of `query`, ordered by the time-ordered column `id`."""
    total = count(tx, [query], max_counted)
    return _page(tx, row, query.where(*request.bounds(id)), id, request, total)


def newest_in_ranges(
    tx: Tx,
    row: type[R],
    query: Query,
    id: ColumnElement[str],
    ranges: Sequence[ColumnElement[bool]],
    request: PageRequest,
    *,
    max_counted: int = MAX_COUNTED,
) -> Page[R]:
    """A page of the rows of `query` that are in any of the ranges.

    Each range is one of an index that is ordered by `id`, and they do not overlap. `id` is a key of the
    rows of `query`.
    """
    within = [query.where(condition) for condition in ranges]
    total = min(max_counted, count(tx, within, max_counted))
    ids = ids_in_ranges(tx, [part.where(*request.bounds(id)) for part in within], id, request)
    if not ids:
        return Page([], has_more=False, total=total)
    shown = query.where(id.in_(ids[: request.limit])).order_by(id.desc())
    return Page(tx.all(row, shown), len(ids) > request.limit, total)


def newest_passing(
    tx: Tx,
    row: type[R],
    query: Query,
    id: ColumnElement[str],
    check: ColumnElement[bool],
    request: PageRequest,
    *,
    max_scanned: int = MAX_SCANNED,
    max_counted: int = MAX_COUNTED,
) -> Page[R]:
    """A page of the rows of `query` that pass a check which no index answers.

    At most `max_scanned` other rows are read to find it, and as many to count the total.
    """

    def window(part: PageRequest) -> Query:
        bounded = query.where(*part.bounds(id))
        last = part.offset + part.limit + max_scanned
        end = tx.scalar(str, part.ordered(bounded.with_only_columns(id), id).limit(1).offset(last))
        if end is not None:
            bounded = bounded.where(id <= end if part.is_upward else id >= end)
        return bounded.where(check)

    total = count(tx, [window(PageRequest(max_counted))], max_counted)
    return _page(tx, row, window(request), id, request, total)


def ids_in_ranges(tx: Tx, ranges: Sequence[Query], id: ColumnElement[str], request: PageRequest) -> list[str]:
    """The ids of the page and one more, in reading order, each range read from its index."""
    needed = request.offset + request.limit + 1
    parts = [
        request.ordered(part.with_only_columns(id.label("id"), maintain_column_froms=True), id).limit(needed)
        for part in ranges
    ]
    if len(parts) == 1:
        query = parts[0]
    else:
        merged = union_all(*(select(part.subquery().c.id) for part in parts)).subquery()
        query = request.ordered(select(merged.c.id), merged.c.id)
    return tx.scalars(str, query.limit(request.limit + 1).offset(request.offset))


def count(tx: Tx, queries: Sequence[Query], most: int) -> int:
    """The number of rows of all queries together, each counted up to `most`."""
    total = 0
    for query in queries:
        some = query.with_only_columns(literal(1).label("one"), maintain_column_froms=True).limit(most)
        total += tx.scalar(int, select(func.count()).select_from(some.subquery())) or 0
    return total


def _page(
    tx: Tx, row: type[R], query: Query, id: ColumnElement[str], request: PageRequest, total: int
) -> Page[R]:
    ordered = request.ordered(query, id)
    rows = tx.all(row, ordered.limit(request.limit + 1).offset(request.offset))
    shown = rows[: request.limit]
    return Page(shown[::-1] if request.is_upward else shown, len(rows) > request.limit, total)

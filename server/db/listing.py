"""Lists of rows, newest first, read by page number or from one id on, at the same cost however many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

# So many rows are counted one by one.
COUNTED = 10_000
# So many rows are passed over in search of those that pass a check which no index answers.
PASSED_OVER = 10_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a list: so many rows behind `offset`, of those older than `after` or newer than `before`.

    `after` and `before` are ids; walking towards newer rows, the part nearest to the id is meant.
    """

    limit: int
    offset: int = 0
    after: str | None = None
    before: str | None = None

    @property
    def is_upward(self) -> bool:
        """Whether it is walked towards newer rows."""
        return self.before is not None and self.after is None

    def beyond(self, id: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """What keeps to one side of `after` and `before`."""
        found = []
        if self.after is not None:
            found.append(id < self.after)
        if self.before is not None:
            found.append(id > self.before)
        return found

    def ordered(self, query: Select[Any], id: ColumnElement[str]) -> Select[Any]:
        """The query in the order of the walk."""
        return query.order_by(id.asc() if self.is_upward else id.desc())


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a list, whether more follow, and how many rows the whole list has: if `COUNTED`, then so
    many or more."""

    rows: Sequence[Row[Any]]
    has_more: bool
    total: int


async def newest_first(
    connection: AsyncConnection, query: Select[Any], id: ColumnElement[str], wanted: Stretch
) -> Part:
    """The wanted part of what `query` finds, ordered by the time-ordered column `id`."""
    total = await counted(connection, [query], COUNTED)
    return await _part(connection, query.where(*wanted.beyond(id)), id, wanted, total)


async def newest_of(
    connection: AsyncConnection,
    query: Select[Any],
    id: ColumnElement[str],
    ranges: Sequence[ColumnElement[bool]],
    wanted: Stretch,
) -> Part:
    """The wanted part of what `query` finds in any of the ranges.

    Each range is one of an index that is ordered by `id`, and they do not overlap. `id` is a key of all
    that `query` finds.
    """
    within = [query.where(of) for of in ranges]
    total = min(COUNTED, await counted(connection, within, COUNTED))
    ids = await ids_of(connection, [of.where(*wanted.beyond(id)) for of in within], id, wanted)
    if not ids:
        return Part([], has_more=False, total=total)
    shown = query.where(id.in_(ids[: wanted.limit])).order_by(id.desc())
    return Part((await connection.execute(shown)).all(), len(ids) > wanted.limit, total)


async def newest_passing(
    connection: AsyncConnection,
    query: Select[Any],
    id: ColumnElement[str],
    check: ColumnElement[bool],
    wanted: Stretch,
) -> Part:
    """The wanted part of what `query` finds and passes a check that no index answers.

    At most `PASSED_OVER` others are passed over to find it, and as many to count the total.
    """

    async def window(walk: Stretch) -> Select[Any]:
        walked = query.where(*walk.beyond(id))
        last = walk.offset + walk.limit + PASSED_OVER
        end = await connection.scalar(walk.ordered(walked.with_only_columns(id), id).limit(1).offset(last))
        if end is not None:
            walked = walked.where(id <= end if walk.is_upward else id >= end)
        return walked.where(check)

    total = await counted(connection, [await window(Stretch(COUNTED))], COUNTED)
    return await _part(connection, await window(wanted), id, wanted, total)


async def ids_of(
    connection: AsyncConnection, ranges: Sequence[Select[Any]], id: ColumnElement[str], wanted: Stretch
) -> list[str]:
    """The ids of the wanted part and one more, in the order of the walk, each range read from its index."""
    needed = wanted.offset + wanted.limit + 1
    parts = [
        wanted.ordered(of.with_only_columns(id.label("id"), maintain_column_froms=True), id).limit(needed)
        for of in ranges
    ]
    if len(parts) == 1:
        query = parts[0]
    else:
        merged = union_all(*(select(part.subquery().c.id) for part in parts)).subquery()
        query = wanted.ordered(select(merged.c.id), merged.c.id)
    return list(await connection.scalars(query.limit(wanted.limit + 1).offset(wanted.offset)))


async def counted(connection: AsyncConnection, queries: Sequence[Select[Any]], most: int) -> int:
    """How many rows the queries find together, each counted up to `most`."""
    total = 0
    for query in queries:
        some = query.with_only_columns(literal(1).label("one"), maintain_column_froms=True).limit(most)
        total += (await connection.execute(select(func.count()).select_from(some.subquery()))).scalar_one()
    return total


async def _part(
    connection: AsyncConnection, query: Select[Any], id: ColumnElement[str], wanted: Stretch, total: int
) -> Part:
    ordered = wanted.ordered(query, id)
    rows = (await connection.execute(ordered.limit(wanted.limit + 1).offset(wanted.offset))).all()
    shown = rows[: wanted.limit]
    return Part(shown[::-1] if wanted.is_upward else shown, len(rows) > wanted.limit, total)

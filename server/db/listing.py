"""Lists of rows, newest first, read by page number or from one id on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a list: so many rows behind `offset`, of those older than `after` or newer than `before`.

    `after` and `before` are ids; walking towards newer rows, the part nearest to the id is meant.
    """

    limit: int
    offset: int = 0
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a list, whether more follow, and how many rows the whole list has."""

    rows: Sequence[Row[Any]]
    has_more: bool
    total: int


async def newest_first(
    connection: AsyncConnection, query: Select[Any], id: ColumnElement[str], wanted: Stretch
) -> Part:
    """The wanted part of what `query` finds, ordered by the time-ordered column `id`."""
    count = query.with_only_columns(func.count(), maintain_column_froms=True)
    total = (await connection.execute(count)).scalar_one()
    if wanted.after is not None:
        query = query.where(id < wanted.after)
    if wanted.before is not None:
        query = query.where(id > wanted.before)
    upward = wanted.before is not None and wanted.after is None
    query = query.order_by(id.asc() if upward else id.desc())
    rows = (await connection.execute(query.limit(wanted.limit + 1).offset(wanted.offset))).all()
    shown = rows[: wanted.limit]
    return Part(shown[::-1] if upward else shown, len(rows) > wanted.limit, total)

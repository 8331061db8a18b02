"""Rows of any query, for tests that look at what is stored."""

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import FromClause, Join, Select, Table, func, select

from server.db.database import Database
from server.db.rows import R
from server.db.tx import T, Tx
from tests.harness.twins import TWIN_ORG

Query = TypeVar("Query", bound=Select[Any])


def without_twins(query: Query) -> Query:
    """The same query without twins, which a test must not count (`tests.harness.twins`)."""
    for source in query.get_final_froms():
        for part in _parts(source):
            if "org_id" in part.c:
                query = query.where(part.c.org_id.is_distinct_from(TWIN_ORG))
    return query


def _parts(source: FromClause) -> list[FromClause]:
    return [*_parts(source.left), *_parts(source.right)] if isinstance(source, Join) else [source]


def found(tx: Tx, query: Select[*tuple[Any, ...]]) -> list[Any]:
    """The rows that a query returns, with its columns as attributes; without twins."""
    query = without_twins(query)
    fields = [(column.name, object) for column in query.selected_columns]
    return tx.all(NamedTuple("Row", fields), query)  # type: ignore[misc, arg-type]


async def stored(database: Database, query: Select[*tuple[Any, ...]]) -> list[Any]:
    """The rows that a query returns, read in a transaction of its own."""
    return await database.read(found, query)


async def row_count(database: Database, table: Table) -> int:
    """The number of rows in a table, without twins."""
    query = without_twins(select(func.count()).select_from(table))
    return await database.read(lambda tx: tx.scalar(int, query)) or 0


def own_rows(tx: Tx, row: type[R], query: Select[*tuple[Any, ...]]) -> list[R]:
    """`Tx.all` without twins."""
    return tx.all(row, without_twins(query))


def own_values(tx: Tx, kind: type[T], query: Select[*tuple[Any, ...]]) -> list[T]:
    """`Tx.scalars` without twins."""
    return tx.scalars(kind, without_twins(query))


def own_value(tx: Tx, kind: type[T], query: Select[*tuple[Any, ...]]) -> T | None:
    """`Tx.scalar` without twins."""
    return tx.scalar(kind, without_twins(query))

"""Rows of any query, for tests that look at what is stored."""

from typing import Any, NamedTuple

from sqlalchemy import Select, Table, func, select

from server.db.database import Database
from server.db.tx import Tx


def found(tx: Tx, query: Select[*tuple[Any, ...]]) -> list[Any]:
    """The rows that a query returns, with its columns as attributes."""
    fields = [(column.name, object) for column in query.selected_columns]
    return tx.all(NamedTuple("Row", fields), query)  # type: ignore[misc, arg-type]


async def stored(database: Database, query: Select[*tuple[Any, ...]]) -> list[Any]:
    """The rows that a query returns, read in a transaction of its own."""
    return await database.read(found, query)


async def row_count(database: Database, table: Table) -> int:
    """The number of rows in a table."""
    query = select(func.count()).select_from(table)
    return await database.read(lambda tx: tx.scalar(int, query)) or 0

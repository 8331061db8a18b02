"""How SQLite finds what is asked: by which index, or by a walk over everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.db.engine import Database


@asynccontextmanager
async def plans(database: Database, *tables: str) -> AsyncIterator[list[str]]:
    """The steps on these tables of every statement in the block; filled when it is left."""
    asked: list[tuple[str, Any]] = []
    steps: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield steps
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
    async with database.read() as connection:
        for statement, parameters in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [row.detail for row in plan if set(row.detail.split()) & set(tables)]

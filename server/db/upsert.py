"""Inserts that say what happens to a row that is there already."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def upserting(dialect: str, table: Table) -> Any:
    """An insert into a table with `on_conflict_do_nothing` and `on_conflict_do_update`.

    Both engines have them alike; SQLAlchemy keeps them apart by engine.
    """
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)

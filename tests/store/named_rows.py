"""Rows that have a name and nothing else, for tests of transactions: readers of the log that nobody is."""

from sqlalchemy import insert, select

from server.db.database import Database
from server.db.tables.events import log_readers
from server.db.tx import Tx


def add_names(tx: Tx, names: list[str]) -> list[str]:
    """An act that adds a row for each name, and returns the names."""
    tx.change(insert(log_readers), [{"reader": name, "unit": 0, "stamp": 0, "seq": 0} for name in names])
    return names


async def names_in(database: Database) -> set[str]:
    """The names of all rows."""
    return set(await database.read(lambda tx: tx.scalars(str, select(log_readers.c.reader))))

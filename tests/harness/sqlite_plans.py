"""SQLite's query plans of the statements of a store function, whichever way they reach the driver."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from server.db.tx import Tx

P = ParamSpec("P")
# The triggers that add twins are left out: a table with triggers has plans of its own.
_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'twin_%'"


def plans_of(url: str, fn: Callable[Concatenate[Tx, P], Any], *args: P.args, **kwargs: P.kwargs) -> list[str]:
    """The steps of the query plans of all statements that `fn(tx, ...)` runs on the SQLite store at `url`."""
    engine = create_engine(url, poolclass=NullPool)
    statements: list[str] = []
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for (name,) in driver.execute(_TRIGGERS).fetchall():
            driver.execute(f"DROP TRIGGER {name}")
        driver.set_trace_callback(statements.append)
        fn(Tx(connection), *args, **kwargs)
        driver.set_trace_callback(None)
        queries = [sql for sql in statements if not sql.startswith(("BEGIN", "COMMIT", "PRAGMA"))]
        assert queries, "the function ran no statement"
        return [row[3] for sql in queries for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}")]


def scans(plans: list[str]) -> list[str]:
    """The steps that read a table or an index from end to end; key lists and `holding`, the rows that a
    recursion makes, are none."""
    found = [step for step in plans if step.startswith("SCAN ")]
    return [step for step in found if "json_each" not in step and step != "SCAN holding"]

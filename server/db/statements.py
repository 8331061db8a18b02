"""Statements of the hot path: plain SQL, made ready once for each engine, with typed rows.

Executing a statement through SQLAlchemy Core (cache key, parameters, result) takes longer than SQLite needs
for the statement itself, and a transaction that accepts one email runs a dozen of them. What is cold is
written with Core and run by the methods of `Tx`.

The SQL is that of both engines. Parameters are `:name`. Where the engines differ, `{sqlite: ...}` and
`{postgresql: ...}` hold what only one of them gets. `{keys}` is a subquery with the list of compound keys
that the parameter `keys` holds; `keys=` names and types its columns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Generic

from sqlalchemy import Table

from server.db.keys import KeyType, keys_parameter, keys_sql
from server.db.rows import DriverRow, R, check_columns, check_types, row_maker
from server.db.tx import Engine, Tx, Values

_ENGINE_ONLY = re.compile(r"\{(sqlite|postgresql):([^{}]*)\}")
# A colon inside a word is none of ours: `'a:b'`, `::`.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class _Sql:
    """The SQL of a statement in each engine's own form."""

    def __init__(self, sql: str, keys: Mapping[str, KeyType] | None) -> None:
        self._sql: Mapping[Engine, str] = {
            "sqlite": _rendered(sql, "sqlite", keys),
            "postgresql": _rendered(sql, "postgresql", keys),
        }

    def of(self, engine: Engine) -> str:
        return self._sql[engine]


class Statement(_Sql, Generic[R]):
    """A statement that returns rows of the named tuple class `row`, whose fields are its columns."""

    def __init__(self, row: type[R], sql: str, *, keys: Mapping[str, KeyType] | None = None) -> None:
        super().__init__(sql, keys)
        self._row = row
        self._checked: set[Engine] = set()

    def all(self, tx: Tx, keys: Iterable[Sequence[object]] | None = None, **values: object) -> list[R]:
        """The rows that the statement returns, with `keys` as its list of keys. Raises DBAPIError."""
        parameters = values if keys is None else {**values, "keys": keys_parameter(keys)}
        columns, found = tx.rows_of_driver(self.of(tx.engine), parameters)
        rows = list(map(row_maker(self._row, is_sqlite=tx.is_sqlite), found))
        if rows and tx.engine not in self._checked:
            check_columns(self._row, columns)
            check_types(rows[0])
            self._checked.add(tx.engine)
        return rows

    def first(self, tx: Tx, keys: Iterable[Sequence[object]] | None = None, **values: object) -> R | None:
        """The first row that the statement returns, None if there is none. Raises DBAPIError."""
        rows = self.all(tx, keys, **values)
        return rows[0] if rows else None


class Change(_Sql):
    """An INSERT, UPDATE or DELETE that is run with a list of parameters."""

    def __init__(self, sql: str) -> None:
        super().__init__(sql, None)

    def run(self, tx: Tx, parameters: Sequence[Values]) -> int:
        """Runs the statement with each of the parameters; the number of rows changed. Raises DBAPIError."""
        return tx.change_by_driver(self.of(tx.engine), parameters) if parameters else 0


class BulkInsert:
    """Inserts rows into a table as one list: by one prepared statement on SQLite, by COPY on PostgreSQL."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def rows(self, tx: Tx, rows: Sequence[Values]) -> None:
        """Inserts the rows, which all name the same columns. Raises DBAPIError."""
        if rows:
            names = tuple(rows[0])
            self.values(tx, names, list(map(itemgetter(*names), rows)))

    def values(self, tx: Tx, names: tuple[str, ...], values: Sequence[DriverRow]) -> None:
        """Inserts rows that hold the values of the columns with these names. Raises DBAPIError."""
        if not values:
            return
        if tx.is_sqlite:
            tx.change_by_driver(_insert(self._table, names), values)
        else:
            tx.copy_by_driver(_copy(self._table, names), values)


def _rendered(sql: str, engine: Engine, keys: Mapping[str, KeyType] | None) -> str:
    if keys is not None:
        sql = sql.replace("{keys}", keys_sql(engine, keys))
    sql = _ENGINE_ONLY.sub(lambda found: found[2].strip() if found[1] == engine else "", sql)
    if engine == "sqlite":
        return sql
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


@cache
def _insert(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {_target(table, names)} VALUES ({', '.join('?' * len(names))})"


@cache
def _copy(table: Table, names: tuple[str, ...]) -> str:
    return f"COPY {_target(table, names)} FROM STDIN"


def _target(table: Table, names: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'"{table.name}" ({quoted})'

"""Statements of the hot path: compiled once for each engine, then given to the driver as they are.

What SQLAlchemy does at each execution (a cache key, parameters, a result) takes longer than SQLite needs
for the statement itself; a transaction that accepts one email runs a dozen of them.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, Executable, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler

from server.db.transaction import Transaction

Parameters = Mapping[str, Any]


@dataclass(slots=True)
class _Compiled:
    sql: str
    # Of the parameters that the statement names, those it brings along; and how the driver wants them.
    own: Parameters
    bind: Callable[[Parameters], Any]
    # Which of the columns hold numbers that stand for booleans.
    flags: Sequence[int]
    # Makes a row with attributes; known once the statement has run.
    row: Callable[[Iterable[Any]], Any] | None = None


class Prepared:
    """A statement, made by `build` for an engine by its name. Its values are parameters, named at each call.

    Rows come as the driver gives them. SQLite has no booleans: those of columns are made of its numbers, in
    a statement that was written as text they stay 0 and 1.
    """

    def __init__(self, build: Callable[[str], Executable]) -> None:
        self.build = build
        self._compiled: dict[str, _Compiled] = {}

    async def rows(self, connection: AsyncConnection, parameters: Parameters) -> list[Any]:
        """The rows that it finds, with its columns as attributes. Raises DBAPIError."""
        compiled = self._for(connection.dialect)
        bound = compiled.bind({**compiled.own, **parameters})
        found: Sequence[Any]
        if isinstance(connection, Transaction):
            names, found = connection.query(compiled.sql, bound)
        else:
            result = await connection.exec_driver_sql(compiled.sql, bound)
            names, found = list(result.keys()), result.all()
        if compiled.row is None:
            compiled.row = _row(names, compiled.flags)
        return list(map(compiled.row, found))

    async def change(self, connection: AsyncConnection, parameters: Sequence[Parameters]) -> int:
        """How many rows it changed, run with each of the parameters. Raises DBAPIError."""
        if not parameters:
            return 0
        compiled = self._for(connection.dialect)
        bound = [compiled.bind({**compiled.own, **one} if compiled.own else one) for one in parameters]
        assert isinstance(connection, Transaction)
        return connection.change(compiled.sql, bound)

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self.build(dialect.name), dialect)
        return compiled


class Rows:
    """Rows of a table, to be inserted as a list."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, connection: AsyncConnection, rows: Sequence[Parameters]) -> None:
        """Inserts the rows, which all name the same columns. Raises DBAPIError."""
        if rows:
            names = tuple(rows[0])
            await self.insert_values(connection, names, list(map(itemgetter(*names), rows)))

    async def insert_values(
        self, connection: AsyncConnection, names: tuple[str, ...], values: Sequence[Sequence[Any]]
    ) -> None:
        """Inserts rows that hold the values of the columns with these names. Raises DBAPIError."""
        if not values:
            return
        assert isinstance(connection, Transaction)
        if connection.dialect.name == "sqlite":
            connection.change(_insert(self._table, names), values)
        else:
            connection.copy(_copy(self._table, names), values)


@cache
def _insert(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {_target(table, names)} VALUES ({', '.join('?' * len(names))})"


@cache
def _copy(table: Table, names: tuple[str, ...]) -> str:
    return f"COPY {_target(table, names)} FROM STDIN"


def _target(table: Table, names: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'"{table.name}" ({quoted})'


def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    own = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    bind = dict if compiled.positiontup is None else _by_position(compiled.positiontup)
    columns = getattr(statement, "selected_columns", ()) if dialect.name == "sqlite" else ()
    flags = [position for position, column in enumerate(columns) if isinstance(column.type, Boolean)]
    return _Compiled(str(compiled), own, bind, flags)


def _row(names: Sequence[str], flags: Sequence[int]) -> Callable[[Iterable[Any]], Any]:
    named: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], Any] = named._make

    def with_flags(values: Iterable[Any]) -> Any:
        row = list(values)
        for position in flags:
            if row[position] is not None:
                row[position] = bool(row[position])
        return make(row)

    return with_flags if flags else make


def _by_position(names: Sequence[str]) -> Callable[[Parameters], Any]:
    if len(names) == 1:
        [name] = names
        return lambda parameters: (parameters[name],)
    if not names:
        return lambda parameters: ()
    return itemgetter(*names)

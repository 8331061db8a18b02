"""The transaction that store functions work on: synchronous, in one thread from beginning to end.

A synchronous function cannot wait for anything but the database, so no transaction is open while the
platform talks to others (DESIGN 2.6). One hop to a thread for each transaction, instead of one for each
statement, took a write transaction of 30 emails from 17 ms to 5 ms on SQLite.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

from server.db.engines import redact
from server.db.rows import DriverRow, R, check_columns, check_types

T = TypeVar("T")

Engine: TypeAlias = Literal["sqlite", "postgresql"]
# Values by the names of a statement's parameters or of a table's columns.
Values: TypeAlias = Mapping[str, object]

# Steps of SQLite's machine between two looks at the clock: some tens of rows.
_STEPS = 1_000


class Tx:
    """One transaction. Statements written with SQLAlchemy Core run by its methods; those of the hot path are
    `Statement`, `Change` and `BulkInsert` (`server.db.statements`), which go to the driver as they are.

    Every method raises DBAPIError.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection  # sqlite3 or psycopg: no common type
        self.engine: Engine = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
        self._deferred: dict[Callable[[Tx, list[Any]], None], list[Any]] = {}
        # True after `limited`: a statement that is ended then took longer than its caller allowed.
        self.is_limited = False

    @property
    def is_sqlite(self) -> bool:
        """True if the store is SQLite."""
        return self.engine == "sqlite"

    def all(self, row: type[R], query: Executable, parameters: Values | None = None) -> list[R]:
        """The rows that a query returns, as instances of the named tuple class `row`.

        The names of the columns must be the fields of `row`. Raises TypeError if they are not.
        """
        result = self._connection.execute(query, parameters)
        check_columns(row, result.keys())
        rows = [row._make(values) for values in result]
        if rows:
            check_types(rows[0])
        return rows

    def first(self, row: type[R], query: Executable, parameters: Values | None = None) -> R | None:
        """The first row that a query returns, None if there is none."""
        rows = self.all(row, query, parameters)
        return rows[0] if rows else None

    def scalars(self, kind: type[T], query: Executable, parameters: Values | None = None) -> list[T]:
        """The values of a query's only column, which are of the type `kind`.

        Raises TypeError if the first one is not.
        """
        values: list[T] = list(self._connection.scalars(query, parameters))
        if values and not isinstance(values[0], kind):
            raise TypeError(f"a {type(values[0]).__name__} from the database, not a {kind.__name__}: {query}")
        return values

    def scalar(self, kind: type[T], query: Executable, parameters: Values | None = None) -> T | None:
        """The first value of a query's only column; None for no row and for NULL.

        Raises TypeError if it is not of the type `kind`.
        """
        value = self._connection.scalar(query, parameters)
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"a {type(value).__name__} from the database, not a {kind.__name__}: {query}")
        return value

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Ends the statements of the block with DBAPIError when its time is over (see `is_cut_off`)."""
        self.is_limited = True
        if not self.is_sqlite:
            self._driver.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
            yield
            return
        end = time.monotonic() + seconds
        self._driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield
        finally:
            self._driver.set_progress_handler(None, 0)

    def change(self, statement: Executable, parameters: Values | Sequence[Values] | None = None) -> int:
        """Runs an INSERT, UPDATE or DELETE, with each of the parameters; the number of rows it changed."""
        changed: int = self._connection.execute(statement, parameters).rowcount
        return changed

    def defer(self, act: Callable[["Tx", list[T]], None], items: Sequence[T]) -> None:
        """Runs `act` with these items, and those of other calls, when all else of the transaction is done.

        For rows that many transactions lock: what comes last holds them shortest.
        """
        if items:
            self._deferred.setdefault(act, []).extend(items)

    def run_deferred(self) -> None:
        """Runs the acts that were deferred until now."""
        while self._deferred:
            act, items = self._deferred.popitem()
            act(self, items)

    # For `server.db.statements` and the writer: the driver itself.

    def rows_of_driver(self, sql: str, parameters: Values) -> tuple[list[str], list[DriverRow]]:
        """The columns and rows that a statement in the driver's own SQL returns."""

        def query() -> tuple[list[str], list[DriverRow]]:
            cursor = self._driver.execute(sql, parameters)
            return [column[0] for column in cursor.description], cursor.fetchall()

        return self._run(sql, query)

    def change_by_driver(self, sql: str, parameters: Sequence[Values] | Sequence[DriverRow]) -> int:
        """Runs a statement in the driver's own SQL with each of the parameters; the rows it changed."""

        def change() -> int:
            with contextlib.closing(self._driver.cursor()) as cursor:
                cursor.executemany(sql, parameters)
                changed: int = cursor.rowcount
                return changed

        return self._run(sql, change)

    def copy_by_driver(self, sql: str, rows: Iterable[DriverRow]) -> None:
        """Streams rows into a table of PostgreSQL."""

        def stream() -> None:
            with contextlib.closing(self._driver.cursor()) as cursor, cursor.copy(sql) as copy:
                for row in rows:
                    copy.write_row(row)

        self._run(sql, stream)

    def shrink_cache(self) -> None:
        """Frees what this connection's cache holds and does not use now; only SQLite's has one."""
        if self.is_sqlite:
            self._run("PRAGMA shrink_memory", lambda: self._driver.execute("PRAGMA shrink_memory"))

    def begin(self, statement: str) -> str | None:
        """Begins with this statement, or when the driver does if it is empty.

        A second statement in it names the transaction; returns the name.
        """
        if not statement:
            return None
        if self.is_sqlite:
            self._run(statement, lambda: self._driver.execute(statement))
            return None

        def begin() -> str:
            cursor = self._driver.execute(statement, prepare=False)
            cursor.nextset()
            name: str = cursor.fetchone()[0]
            return name

        return self._run(statement, begin)

    def commit(self) -> None:
        """Makes everything durable."""
        if self._connection.in_transaction():
            self._connection.commit()
            return
        self._run("COMMIT", self._driver.commit)

    def rollback(self) -> None:
        """Undoes everything."""
        if self._connection.in_transaction():
            self._connection.rollback()
        self._run("ROLLBACK", self._driver.rollback)

    def _run(self, sql: str, call: Callable[[], T]) -> T:
        """Calls the driver; its errors are raised as SQLAlchemy raises them."""
        dialect = self._connection.dialect
        try:
            return call()
        except dialect.loaded_dbapi.Error as error:
            redact(error)
            wrapped = DBAPIError.instance(
                sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            )
            assert isinstance(wrapped, DBAPIError)
            raise wrapped from error

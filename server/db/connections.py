"""Connections of the synchronous driver, kept by ourselves, for transactions that run in one thread."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from server.db.transaction import Transaction

# A connection that was used so lately is believed to be alive.
_TRUSTED_S = 1.0


class Connections:
    """As many connections of an engine without a pool as there were transactions at once.

    Asking a pool at each transaction costs as much as the statements of a small one do.
    """

    def __init__(self, engine: Engine, *, begin: str) -> None:
        """`begin` is the statement that begins a transaction, empty where the driver begins it by itself."""
        self._engine = engine
        self._begin = begin
        # Those that no transaction uses now, each with the time at which it became idle.
        self._idle: deque[tuple[Connection, float]] = deque()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction, committed when the block is left, rolled back by an exception. Raises DBAPIError."""
        connection = self._connection()
        transaction = Transaction(connection)
        try:
            transaction.begin(self._begin)
            yield transaction
            transaction.commit()
        except BaseException:
            try:
                transaction.rollback()
            except DBAPIError:
                # What was idle meanwhile is probably lost too.
                _discard(connection)
                self._drop_idle()
            else:
                self._idle.append((connection, time.monotonic()))
            raise
        self._idle.append((connection, time.monotonic()))

    def close(self) -> None:
        """Closes the connections; no transaction may be open."""
        self._drop_idle()
        self._engine.dispose()

    def _drop_idle(self) -> None:
        """Closes the connections that no transaction uses now."""
        with contextlib.suppress(IndexError):
            while True:
                _discard(self._idle.pop()[0])

    def _connection(self) -> Connection:
        with contextlib.suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < _TRUSTED_S or _answers(connection):
                    return connection
        return self._engine.connect()


def _answers(connection: Connection) -> bool:
    """Whether the database still knows a connection; one that it does not know is closed."""
    with contextlib.suppress(DBAPIError):
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        return True
    _discard(connection)
    return False


def _discard(connection: Connection) -> None:
    """Closes a connection that may be broken: without a rollback, which would fail and be logged."""
    with contextlib.suppress(DBAPIError):
        connection.invalidate()
    connection.close()

"""The store behind one URL: SQLite (embedded, the default) or PostgreSQL; and reading it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.engine import make_url

from server.db.availability import Availability
from server.db.connections import Connections
from server.db.tx import Engine, Tx

P = ParamSpec("P")
T = TypeVar("T")

_SQLITE_READERS = 6
_POSTGRESQL_READERS = 10


class Database:
    """Reads the store, in transactions that run in threads; a `Writer` writes it.

    SQLite has one writing connection in one process; readers are apart and see the last commit (WAL).
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine: Engine = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        self.availability = Availability()
        self._connections = Connections(self.url, self.availability, read_only=True)
        readers = _SQLITE_READERS if self.is_sqlite else _POSTGRESQL_READERS
        self._threads = ThreadPoolExecutor(readers, "store-reader")

    @property
    def is_sqlite(self) -> bool:
        """True if the store is SQLite."""
        return self.engine == "sqlite"

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `fn(tx, ...)` in a reading transaction, in which every statement sees one state.

        Raises `StoreAway`, DBAPIError and whatever `fn` raises.
        """

        def run() -> T:
            with self._connections.transaction() as tx:
                return fn(tx, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def close(self) -> None:
        """Closes every connection, after the transactions in progress."""
        self._threads.shutdown()
        self._connections.close()

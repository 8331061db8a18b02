"""The store behind one URL: SQLite (embedded, the default) or PostgreSQL; and reading it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from server.db.availability import Availability
from server.db.connections import Connections
from server.db.outage import StoreAway, is_cut_off
from server.db.tx import Engine, Tx
from server.db.watchdog import Watchdog
from server.faults import ValidationFailed, Violation
from server.owner import current_owner
from server.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")

_SQLITE_READERS = 6
_POSTGRESQL_READERS = 10
# Searches at once, fewer than there are readers, those of one organisation, and the seconds of each.
_ALL_SEARCHES = 3
SEARCHES = 2
SEARCH_S = 1.0


class Database:
    """Reads the store, in transactions that run in threads; a `Writer` writes it.

    SQLite has one writing connection in one process; readers are apart and see the last commit (WAL).
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine: Engine = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        self.availability = Availability()
        self.watchdog = Watchdog()
        self._connections = Connections(self.url, self.availability, read_only=True, watchdog=self.watchdog)
        readers = _SQLITE_READERS if self.is_sqlite else _POSTGRESQL_READERS
        self._threads = ThreadPoolExecutor(readers, "store-reader")
        self._readers = Turns(readers)
        self._searches = Turns(_ALL_SEARCHES, most=SEARCHES)

    @property
    def is_sqlite(self) -> bool:
        """True if the store is SQLite."""
        return self.engine == "sqlite"

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `fn(tx, ...)` in a reading transaction, in which every statement sees one state; twice if its
        connection was lost.

        The readers are shared: owners (`server.owner`) take turns. Raises `StoreAway`, DBAPIError and
        whatever `fn` raises.
        """

        def once() -> T:
            with self._connections.transaction() as tx:
                return fn(tx, *args, **kwargs)

        def run() -> T:
            try:
                return once()
            except StoreAway as away:
                if not (away.is_lost and away.may_repeat):
                    raise
            return once()

        owner = current_owner()
        await self._readers.take(owner)
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._threads, run)
        except BaseException:
            self._readers.give_back(owner)
            raise
        reading.add_done_callback(lambda done: self._ended(owner, done))
        # A caller who goes stops no thread: the reader is in use until the thread is free.
        return await asyncio.shield(reading)

    def _ended(self, owner: str, reading: asyncio.Future[T]) -> None:
        self._readers.give_back(owner)
        if not reading.cancelled():
            reading.exception()  # retrieved, as the caller may be gone

    async def search(
        self, org_id: str, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `read`, for texts that no index finds: an organisation has two at once, and all have three, each
        with a budget of time, so that readers stay free.

        Raises `ValidationFailed` for a search that takes too long, and what `read` raises.
        """

        def limited(tx: Tx) -> T:
            with tx.limited(SEARCH_S):
                return fn(tx, *args, **kwargs)

        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._searches.of(org_id))
            reading = asyncio.ensure_future(self._holding(turn.pop_all(), limited))
        try:
            # A caller who goes stops no thread: the turn lasts until the thread is free.
            return await asyncio.shield(reading)
        except DBAPIError as error:
            if not is_cut_off(error):
                raise
        raise ValidationFailed(
            [Violation("search", "takes too long to look for: narrow it with other filters, or shorten it")]
        )

    async def _holding(self, turn: AsyncExitStack, fn: Callable[[Tx], T]) -> T:
        async with turn:
            return await self.read(fn)

    async def close(self) -> None:
        """Closes every connection, after the transactions in progress."""
        self._threads.shutdown()
        self._connections.close()

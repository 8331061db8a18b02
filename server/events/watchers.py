"""The streams of the log: one reader of the process hands each event to the streams of its organisation."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection

from server.db.database import Database
from server.db.units import unit_of
from server.events import log
from server.events.follower import Follower
from server.events.rows import EventRow, Place
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier

# Entries that the reader reads at once, and entries that wait for a slow stream: one that falls behind by
# more reads them from the store.
PAGE = 500
QUEUED = 1_000


class Watcher:
    """One stream: it gets every entry of its organisation after `place`."""

    def __init__(self, org_id: str, types: Collection[str], place: Place) -> None:
        self.org_id = org_id
        self.place = place
        self._types = frozenset(types)
        self._rows: deque[EventRow] = deque()
        self._woken = asyncio.Event()
        self._is_over = False

    def put(self, row: EventRow) -> None:
        """Hands over an entry. A stream that does not keep up ends, to read from the store what it missed."""
        if self._is_over or (self._types and row.type not in self._types):
            return
        if len(self._rows) == QUEUED:
            self.end()
        else:
            self._rows.append(row)
            self._woken.set()

    def end(self) -> None:
        """Hands over no more."""
        self._is_over = True
        self._woken.set()

    async def rows(self) -> AsyncIterator[EventRow]:
        """The entries as they come, until the end."""
        while True:
            while self._rows:
                yield self._rows.popleft()
            if self._is_over:
                return
            self._woken.clear()
            await self._woken.wait()


class Watchers(Follower):
    """The streams of this process, and the reader that serves them; it reads nothing while there are none."""

    def __init__(self, database: Database, events_appended: Notifier, backpressure: Backpressure) -> None:
        super().__init__("events.watch", events_appended, backpressure, gather_s=0.0, high_gather_s=0.02)
        self._database = database
        self._watchers: dict[str, set[Watcher]] = {}
        # The places of the reader by unit; empty while it reads nothing.
        self._places: dict[int, Place] = {}

    async def join(self, org_id: str, types: Collection[str]) -> Watcher:
        """A new stream, from where the reader is: what was before is for the stream to read."""
        if not self._places:
            ends = await self._database.read(log.ends)
            self._places = self._places or ends
        watcher = Watcher(org_id, types, self._places[unit_of(self._database.engine, org_id)])
        self._watchers.setdefault(org_id, set()).add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """The stream is over."""
        watchers = self._watchers[watcher.org_id]
        watchers.discard(watcher)
        if not watchers:
            del self._watchers[watcher.org_id]

    async def step(self) -> bool:
        if not self._watchers:
            self._places = {}
            return False
        pages = await self._database.read(log.pages, self._places, PAGE)
        for page in pages:
            for row in page.entries:
                for watcher in self._watchers.get(row.org_id, ()):
                    watcher.put(row)
            self._places[page.unit] = page.to
        return any(len(page.entries) == PAGE for page in pages)

    async def stop(self) -> None:
        """Ends every stream."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()
        await super().stop()

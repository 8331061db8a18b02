"""Streams of sends to lists: one reader of the process reads the progress of all sends that are watched."""

import asyncio
from collections.abc import AsyncIterator

from server.contacts import send_store
from server.contacts.send_store import Progress, SendRow
from server.db.database import Database
from server.work.loop import Loop

_PAUSE_S = 0.5


class _Watcher:
    """One stream: it gets the latest progress, and leaves out what it was too slow for."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.progress: Progress | None = None
        self.is_gone = False

    def put(self, progress: Progress | None) -> None:
        if progress is None:
            self.is_gone = True
        elif self.progress is None or progress.version > self.progress.version:
            self.progress = progress
        else:
            return
        self.changed.set()


class SendWatchers:
    """The streams of this process. Twice a second one statement reads all that is watched; it reads nothing
    while there are no streams."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: dict[tuple[str, str], set[_Watcher]] = {}
        self._loop = Loop("contacts.watch", self.step, pause_s=_PAUSE_S)
        self._stopping = False

    async def start(self) -> None:
        """Begins to read."""
        self._stopping = False
        self._loop.start()

    async def stop(self) -> None:
        """Ends every stream."""
        self._stopping = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.changed.set()
        await self._loop.stop()

    async def changes(self, row: SendRow) -> AsyncIterator[SendRow]:
        """The send after each change since `row` was read, until it ends, is gone, or the server stops."""
        key, watcher = (row.org_id, row.id), _Watcher()
        self._watchers.setdefault(key, set()).add(watcher)
        try:
            while not self._stopping and not watcher.is_gone and row.due_at is not None:
                await watcher.changed.wait()
                watcher.changed.clear()
                if watcher.progress is not None and watcher.progress.version > row.version:
                    row = row._replace(**watcher.progress._asdict())
                    yield row
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]

    async def step(self) -> bool:
        """Hands the progress of every send that is watched to its streams; there is never more to do."""
        keys = list(self._watchers)
        if keys:
            rows = await self._database.read(send_store.progress, keys)
            found = {(row.org_id, row.id): row for row in rows}
            for key in keys:
                for watcher in self._watchers.get(key, ()):
                    watcher.put(found.get(key))
        return False

"""Exports are made: part by part, in transactions that hold up no send."""

import asyncio
import gzip
from typing import Any

import orjson

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.privacy import export_store, sections
from server.privacy.export_store import ExportRow
from server.privacy.faults import Moved
from server.work.loop import Loop

_PAUSE_S = 0.5


class Exporter:
    """Goes on with every export in turn; a service.

    A part and the place up to which it has come are one transaction, which fails after that of another
    process: a kill loses and repeats nothing.
    """

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._loop = Loop("privacy.export", self.step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to export."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the step in progress."""
        await self._loop.stop()

    def wake(self) -> None:
        """Looks for a new export at once."""
        self._loop.wake()

    async def step(self) -> bool:
        """Adds a part to each export in progress; True if there was one."""
        due = await self._database.read(export_store.due, self._clock.now_ms())
        for row in due:
            if self._loop.stopping:
                break
            try:
                await self._advance(row)
            except Moved:
                # The next step reads it again.
                continue
        return bool(due)

    async def _advance(self, row: ExportRow) -> None:
        section = sections.BY_NAME[row.section]
        after: list[Any] = orjson.loads(row.cursor) if row.cursor else []
        rows, last = await self._database.read(sections.read, section, row.org_id, after)
        content = await asyncio.to_thread(_packed, section.name, rows)
        now_ms = self._clock.now_ms()
        await self._writer.run(export_store.advance, row, content, len(rows), last, now_ms)


def _packed(section: str, rows: list[dict[str, Any]]) -> bytes:
    lines = b"".join(orjson.dumps({"section": section, **row}) + b"\n" for row in rows)
    return gzip.compress(lines, 6)

"""Exports are made: part by part, in transactions that hold up no send."""

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import orjson

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.privacy import export_store, sections
from server.privacy.export_store import ExportRow
from server.work.jobs import Jobs


class Exporter(Jobs[ExportRow]):
    """Adds a part to each export in progress, again and again."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        super().__init__("privacy.export")
        self._database = database
        self._writer = writer
        self._clock = clock

    async def _due(self) -> Sequence[ExportRow]:
        return await self._database.read(export_store.due, self._clock.now_ms())

    async def _advance(self, row: ExportRow) -> bool:
        section = sections.BY_NAME[row.section]
        after: list[Any] = orjson.loads(row.cursor) if row.cursor else []
        rows, last = await self._database.read(sections.read, section, row.org_id, after)
        content = await asyncio.to_thread(_packed, section.name, rows)
        now_ms = self._clock.now_ms()
        await self._writer.run(export_store.advance, row, content, len(rows), last, now_ms)
        return True


def _packed(section: str, rows: list[dict[str, Any]]) -> bytes:
    lines = b"".join(orjson.dumps({"section": section, **row}) + b"\n" for row in rows)
    return gzip.compress(lines, 6)

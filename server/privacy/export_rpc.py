"""AccountService: exports of what an organisation has (contract row F-13)."""

import asyncio
from collections.abc import AsyncIterator, Callable

from zidimail.v1 import account_pb2
from zidimail.v1 import account_service_pb2 as pb

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.ids import is_id, new_id
from server.privacy import export_store
from server.privacy.archive import Archive, csv_head, csv_lines, lines_of
from server.privacy.export_store import KEPT_MS, ExportRow, Part
from server.privacy.faults import ExportNotFound, ExportNotReady
from server.privacy.sections import BY_NAME, SECTIONS
from server.wire.caller import session_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp

# Bytes of one message of a download.
PIECE = 256 << 10


class ExportServicer:
    """The methods about exports."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, begun: Callable[[], None]) -> None:
        """`begun` is called when an export has begun."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._begun = begun

    async def CreateExport(
        self, request: pb.CreateExportRequest, context: Context
    ) -> pb.CreateExportResponse:
        """Begins to export the caller's organisation."""
        caller, now_ms = session_caller(), self._clock.now_ms()
        first = SECTIONS[0].name
        row = ExportRow(
            *(caller.org_id, new_id(), caller.user_id, first, "", 0, 0, 0, now_ms, now_ms, None),
            expires_at=now_ms + KEPT_MS,
        )
        row = await self._writer.run(export_store.begin, row)
        self._begun()
        return pb.CreateExportResponse(data_export=_message(row))

    async def GetExport(self, request: pb.GetExportRequest, context: Context) -> pb.GetExportResponse:
        """One export."""
        return pb.GetExportResponse(data_export=_message(await self._found(request.id)))

    async def ListExports(self, request: pb.ListExportsRequest, context: Context) -> pb.ListExportsResponse:
        """A page of the exports."""
        wanted, now_ms = page_request(request), self._clock.now_ms()
        page = await self._database.read(export_store.page, session_caller().org_id, wanted, now_ms)
        return pb.ListExportsResponse(data=map(_message, page.rows), **page_fields(page, wanted))

    async def GetExportFile(
        self, request: pb.GetExportFileRequest, context: Context
    ) -> AsyncIterator[pb.GetExportFileResponse]:
        """The content of an export. One part of it is in memory at a time."""
        row = await self._found(request.export_id)
        if row.completed_at is None:
            raise ExportNotReady(row.id)
        is_zip = request.format == account_pb2.EXPORT_FORMAT_ZIP
        async for content in self._zipped(row) if is_zip else self._lines(row):
            for at in range(0, len(content), PIECE):
                yield pb.GetExportFileResponse(content=content[at : at + PIECE])

    async def _lines(self, row: ExportRow) -> AsyncIterator[bytes]:
        for no in range(row.part_count):
            yield await asyncio.to_thread(lines_of, (await self._part(row, no)).content)

    async def _zipped(self, row: ExportRow) -> AsyncIterator[bytes]:
        archive = Archive()
        sections: dict[str, list[int]] = {}
        open_section = ""
        for no in range(row.part_count):
            part = await self._part(row, no)
            if part.section != open_section:
                if open_section:
                    yield archive.finish()
                open_section = part.section
                archive.begin(f"{open_section}.ndjson")
            sections.setdefault(part.section, []).append(no)
            yield await asyncio.to_thread(_added, archive, part)
        if open_section:
            yield archive.finish()
        for section in (name for name in sections if BY_NAME[name].is_table):
            archive.begin(f"{section}.csv")
            yield archive.add(csv_head(section))
            for no in sections[section]:
                yield await asyncio.to_thread(_added_as_table, archive, await self._part(row, no))
            yield archive.finish()
        yield archive.end()

    async def _part(self, row: ExportRow, no: int) -> Part:
        part = await self._database.read(export_store.part, row.org_id, row.id, no)
        if part is None:
            # It expired during the download.
            raise ExportNotFound(row.id)
        return part

    async def _found(self, id: str) -> ExportRow:
        """The export with this id. Raises `ExportNotFound`."""
        row = None
        if is_id(id):
            org_id, now_ms = session_caller().org_id, self._clock.now_ms()
            row = await self._database.read(export_store.get, org_id, id, now_ms)
        if row is None:
            raise ExportNotFound(id)
        return row


def _added(archive: Archive, part: Part) -> bytes:
    return archive.add(lines_of(part.content))


def _added_as_table(archive: Archive, part: Part) -> bytes:
    return archive.add(csv_lines(part.section, lines_of(part.content)))


def _message(row: ExportRow) -> account_pb2.Export:
    is_completed = row.completed_at is not None
    return account_pb2.Export(
        id=row.id,
        status=account_pb2.EXPORT_STATUS_COMPLETED if is_completed else account_pb2.EXPORT_STATUS_RUNNING,
        row_count=row.row_count,
        created_at=timestamp(row.created_at),
        completed_at=None if row.completed_at is None else timestamp(row.completed_at),
        expires_at=timestamp(row.expires_at),
    )

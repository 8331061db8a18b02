"""AttachmentService: the names, types and sizes of the files of an email (Z-23, section D)."""

from typing import NamedTuple

from zidimail.v1 import attachment_service_pb2 as pb
from zidimail.v1 import attachment_service_pb2_grpc, email_pb2

from server.db.database import Database
from server.db.listing import PageRequest
from server.emails import store
from server.emails.faults import AttachmentNotFound, EmailNotFound
from server.emails.to_proto import attachment_message
from server.ids import is_id
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request


class _Page(NamedTuple):
    rows: list[email_pb2.Attachment]
    has_more: bool
    total: int


class AttachmentServicer(attachment_service_pb2_grpc.AttachmentServiceServicer):
    """The attachments of an email, without their content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ListAttachments(
        self, request: pb.ListAttachmentsRequest, context: Context
    ) -> pb.ListAttachmentsResponse:
        """A page of the attachments of an email."""
        asked = page_request(request)
        files = await self._of_email(request.email_id)
        listed = _between_cursors(files, asked)
        end = asked.offset + asked.limit
        shown = sorted(listed[asked.offset : end], key=lambda file: file.id)
        page = _Page(shown, len(listed) > end, len(files))
        return pb.ListAttachmentsResponse(data=shown, **page_fields(page, asked))

    async def GetAttachment(
        self, request: pb.GetAttachmentRequest, context: Context
    ) -> pb.GetAttachmentResponse:
        """One attachment of an email."""
        for file in await self._of_email(request.email_id):
            if file.id == request.attachment_id:
                return pb.GetAttachmentResponse(attachment=file)
        raise AttachmentNotFound(request.attachment_id)

    async def _of_email(self, email_id: str) -> list[email_pb2.Attachment]:
        """All attachments of an email, ten at most. Raises `EmailNotFound`."""
        caller = current_caller()
        if not is_id(email_id):
            raise EmailNotFound(email_id)
        rows = await self._database.read(store.attachments_of, caller.org_id, email_id, caller.reach)
        if rows is None:
            raise EmailNotFound(email_id)
        return [attachment_message(row) for row in rows]


def _between_cursors(files: list[email_pb2.Attachment], asked: PageRequest) -> list[email_pb2.Attachment]:
    """The attachments after `after` and before `before`; from `before` backwards if only that is given."""
    between = [
        file
        for file in files
        if (asked.after is None or file.id > asked.after) and (asked.before is None or file.id < asked.before)
    ]
    return between[::-1] if asked.is_upward else between

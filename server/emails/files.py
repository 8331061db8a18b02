"""AttachmentService: what is known of the files that were sent along with an email (Z-23, section D)."""

from zidimail.v1 import attachment_service_pb2 as pb
from zidimail.v1 import attachment_service_pb2_grpc, email_pb2

from server.db.engine import Database
from server.db.listing import Stretch
from server.emails import store
from server.emails.messages import attachment_message
from server.faults import AttachmentNotFound, EmailNotFound
from server.ids import is_id
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import asked_page


class AttachmentServicer(attachment_service_pb2_grpc.AttachmentServiceServicer):
    """Reading what is known of attachments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ListAttachments(
        self, request: pb.ListAttachmentsRequest, context: Context
    ) -> pb.ListAttachmentsResponse:
        """A page of the attachments of an email."""
        page, wanted = asked_page(request)
        files = await self._of_email(request.id)
        shown = _behind_cursors(files, wanted)
        end = wanted.offset + wanted.limit
        part = sorted(shown[wanted.offset : end], key=lambda file: file.id)
        return pb.ListAttachmentsResponse(
            data=part,
            has_more=len(shown) > end,
            total=len(files),
            page=page.number,
            limit=page.limit,
        )

    async def GetAttachment(
        self, request: pb.GetAttachmentRequest, context: Context
    ) -> pb.GetAttachmentResponse:
        """One attachment of an email."""
        for file in await self._of_email(request.id):
            if file.id == request.attachment_id:
                return pb.GetAttachmentResponse(attachment=file)
        raise AttachmentNotFound(request.attachment_id)

    async def _of_email(self, email_id: str) -> list[email_pb2.Attachment]:
        """All of them: ten at most. Raises `EmailNotFound`."""
        org_id = current_caller().org_id
        if not is_id(email_id):
            raise EmailNotFound(email_id)
        async with self._database.read() as connection:
            if not await store.is_email(connection, org_id, email_id):
                raise EmailNotFound(email_id)
            rows = await store.attachments_of(connection, org_id, email_id)
        return [attachment_message(row) for row in rows]


def _behind_cursors(files: list[email_pb2.Attachment], wanted: Stretch) -> list[email_pb2.Attachment]:
    """Those between the cursors, the nearest to the cursor that is walked from first."""
    between = [
        file
        for file in files
        if (wanted.after is None or file.id > wanted.after)
        and (wanted.before is None or file.id < wanted.before)
    ]
    return between[::-1] if wanted.before is not None and wanted.after is None else between

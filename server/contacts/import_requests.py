"""Requests to import, and their outcome as a message."""

from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias

from zidimail.v1 import contact_pb2
from zidimail.v1 import contacts_service_pb2 as pb

from server.contacts.import_rules import MAX_FILE_BYTES, Entry, Rows
from server.contacts.imports import Outcome, Target
from server.contacts.requests import check_list_id, list_name, refuse
from server.contacts.rules import Name
from server.contacts.to_proto import quota_message
from server.faults import ValidationFailed, Violation

PREVIEWED = 10


Request: TypeAlias = pb.ImportContactsRequest | pb.ImportContactsFileRequest | pb.ImportContactsSheetRequest


def target_of(org_id: str, request: Request) -> Target:
    """The target of an import. Raises `ValidationFailed`, `ContactListNotFound`."""
    violations: list[Violation] = []
    list_id = request.contact_list_id if request.HasField("contact_list_id") else None
    name = None
    if request.HasField("new_list_name"):
        name = list_name("new_list_name", request.new_list_name, violations)
        if list_id is not None:
            violations.append(Violation("new_list_name", "must not stand beside the id of a list"))
    refuse(violations)
    return Target(
        org_id=org_id,
        list_id=None if list_id is None else check_list_id(list_id),
        new_list_name=name,
        dry_run=request.dry_run,
    )


async def file_of(
    requests: AsyncIterator[pb.ImportContactsFileRequest],
) -> tuple[bytes, pb.ImportContactsFileRequest]:
    """The file of an upload, and its other fields. Raises `ValidationFailed`."""
    content = bytearray()
    asked = pb.ImportContactsFileRequest()
    async for request in requests:
        content += request.content
        if len(content) > MAX_FILE_BYTES:
            too_large = f"must have at most {MAX_FILE_BYTES} bytes (10 MiB): divide the file"
            raise ValidationFailed([Violation("content", too_large)])
        request.ClearField("content")
        asked.MergeFrom(request)
    if not content:
        refuse([Violation("content", "is required: a file that is not empty")])
    return bytes(content), asked


def first_rows(request: pb.ImportContactsFileRequest | pb.ImportContactsSheetRequest) -> int | None:
    """The number of first rows that are wanted, None for all. Raises `ValidationFailed`."""
    if not request.HasField("first_rows"):
        return None
    if request.first_rows < 1:
        refuse([Violation("first_rows", "must be 1 or more")])
    return request.first_rows


def import_message(target: Target, rows: Rows, outcome: Outcome) -> contact_pb2.ContactImport:
    """The outcome of an import."""
    return contact_pb2.ContactImport(
        added=outcome.added,
        skipped=outcome.skipped,
        capped=outcome.capped,
        available=outcome.available,
        contact_list_id=outcome.list_id,
        quota=quota_message(outcome.limits, outcome.used),
        row_count=rows.row_count,
        invalid=rows.read_count - len(rows.entries),
        dry_run=target.dry_run,
        preview=_preview(rows.entries) if target.dry_run else (),
        email_column=rows.email_column,
        name_column=rows.name_column,
    )


def _preview(entries: Iterable[Entry]) -> Iterable[contact_pb2.ContactRow]:
    for _, entry in zip(range(PREVIEWED), entries, strict=False):
        yield contact_pb2.ContactRow(email=entry.email, name=Name(entry.first_name, entry.last_name).whole)

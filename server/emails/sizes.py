"""The bytes of one message that sends: as many as the plan of its sender allows (contract rows C-1, Z-21)."""

from typing import NamedTuple

from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.statements import Statement
from server.db.tx import Tx
from server.emails.faults import AttachmentsTooLarge, MessageTooLarge
from server.emails.rules import MAX_BODY_BYTES
from server.wire.caller import Caller, InternalCaller, OperatorCaller, OrganisationCaller
from server.wire.contents import content_of
from server.wire.sizes import PLAIN_BYTES, raw_limit

# Both bodies of an email, and all else but its files.
BESIDE_FILES = 2 * MAX_BODY_BYTES + PLAIN_BYTES
# Emails of more bytes are read in a thread.
LARGE_BYTES = 64 * 2**10
_SEND = "/zidimail.v1.EmailService/SendEmail"
_RAW = "/zidimail.v1.EmailService/SendRawEmail"
_RAW_BATCH = "/zidimail.v1.EmailService/BatchSendRawEmails"
_JOB = "/zidimail.v1.BatchJobService/CreateBatchJob"
_WITH_FILES = frozenset({_SEND, _JOB, _RAW, _RAW_BATCH, "/zidimail.v1.EmailService/BatchSendEmails"})


class _PlanRow(NamedTuple):
    plan: str
    attachment_bytes: int


_PLAN = Statement(
    _PlanRow,
    """
    SELECT p.plan, p.attachment_bytes FROM organisations AS o JOIN plans AS p ON p.plan = o.plan
    WHERE o.org_id = :org_id
    """,
)


class MessageSizes:
    """Checks the bytes of messages against the plans in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, method: str, caller: Caller, size: int) -> None:
        """Raises `MessageTooLarge` or `AttachmentsTooLarge`; `size` is above `PLAIN_BYTES`."""
        if isinstance(caller, InternalCaller | OperatorCaller):
            return
        if method not in _WITH_FILES or not isinstance(caller, OrganisationCaller):
            raise MessageTooLarge(PLAIN_BYTES)
        if method == _JOB:
            # Each email has its own files: together they have the limit of every message (S-11, C-22).
            return
        plan = await self._database.read(_plan, caller.org_id)
        if plan is None or size <= (limit := _limit(method, plan.attachment_bytes)):
            return
        if method == _SEND:
            raise AttachmentsTooLarge(plan.attachment_bytes, plan.plan)
        raise MessageTooLarge(limit)


def _limit(method: str, attachment_bytes: int) -> int:
    """The most bytes of a message of a method."""
    if method == _RAW:
        return raw_limit(attachment_bytes)
    beside = raw_limit(attachment_bytes) if method == _RAW_BATCH else attachment_bytes
    return beside + BESIDE_FILES


def _plan(tx: Tx, org_id: str) -> _PlanRow | None:
    return _PLAN.first(tx, org_id=org_id)


def content_size(request: pb.SendEmailRequest) -> int:
    """The bytes of an email without its attachments."""
    return request.ByteSize() - sum(len(file.content) for file in request.attachments)


def is_large(request: pb.SendEmailRequest) -> bool:
    """True for an email that takes so long to read that everybody else would wait.

    The files of a large request are not part of the message, and only hashing looks at them.
    """
    if request.ByteSize() > LARGE_BYTES:
        return True
    return request.HasField("idempotency_key") and files_size(request) > LARGE_BYTES


def files_size(request: pb.SendEmailRequest) -> int:
    """The bytes of its attachments, of those that are no links."""
    return sum(len(content_of(file.content)) for file in request.attachments)

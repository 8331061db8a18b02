"""Requests to send to lists in the form that the store takes, and sends as messages."""

import hashlib

from zidimail.v1 import contact_pb2
from zidimail.v1 import contacts_service_pb2 as pb
from zidimail.v1 import email_service_pb2 as email_pb

from server.contacts.list_email import email_to
from server.contacts.placeholders import NAMES, unknown
from server.contacts.requests import check_list_id, refuse
from server.contacts.send_rules import Member
from server.contacts.send_store import SendRow
from server.contacts.unsubscribe_links import Subscription, UnsubscribeLinks
from server.emails.draft import Draft, draft
from server.emails.faults import InvalidIdempotencyKey
from server.emails.rules import is_idempotency_key
from server.faults import Fault, ValidationFailed, Violation
from server.ids import new_id
from server.wire.caller import OrganisationCaller
from server.wire.timestamps import timestamp

# Like any member: by it the email is checked before the send begins.
_MEMBER = Member("", "member@example.org", "First", "Last", unsubscribed=False)
_KNOWN = ", ".join(f"{{{{{name}}}}}" for name in NAMES)
_STATUSES = {
    "sending": contact_pb2.CONTACT_LIST_SEND_STATUS_SENDING,
    "waiting": contact_pb2.CONTACT_LIST_SEND_STATUS_WAITING,
    "completed": contact_pb2.CONTACT_LIST_SEND_STATUS_COMPLETED,
    "canceled": contact_pb2.CONTACT_LIST_SEND_STATUS_CANCELED,
    "failed": contact_pb2.CONTACT_LIST_SEND_STATUS_FAILED,
}


def new_send(
    request: pb.SendToContactListRequest,
    caller: OrganisationCaller,
    user_id: str,
    links: UnsubscribeLinks,
    now_ms: int,
) -> tuple[SendRow, str]:
    """A new send, and the domain that it is from; its members are not counted yet.

    Raises `ValidationFailed`, `ContactListNotFound`, `InvalidIdempotencyKey`.
    """
    if request.HasField("idempotency_key") and not is_idempotency_key(request.idempotency_key):
        raise InvalidIdempotencyKey
    list_id = check_list_id(request.contact_list_id)
    template = _template(request)
    refuse(
        [
            Violation(field, f"has the unknown placeholder {{{{{name}}}}}: those known are {_KNOWN}")
            for field in ("subject", "html", "text")
            for name in unknown(getattr(request, field))
        ]
    )
    id = new_id()
    url = links.url(Subscription(caller.org_id, list_id, id, _MEMBER.email))
    email = email_to(template, _MEMBER, url)
    checked = draft(email, caller, now_ms, added_headers=len(email.headers) - len(template.headers))
    if isinstance(checked, ValidationFailed):
        raise ValidationFailed(checked.violations)
    if isinstance(checked, Fault):
        raise checked
    assert isinstance(checked, Draft)
    row = SendRow(
        org_id=caller.org_id,
        id=id,
        list_id=list_id,
        user_id=user_id,
        status="sending",
        template=template.SerializeToString(),
        last_member="",
        cursor="",
        done="[]",
        member_count=0,
        accepted_count=0,
        unsubscribed_count=0,
        suppressed_count=0,
        failed_count=0,
        reason="",
        message="",
        version=0,
        due_at=now_ms,
        created_at=now_ms,
        completed_at=None,
    )
    return row, checked.domain


def hash_of(request: pb.SendToContactListRequest) -> bytes:
    """SHA-256 of a request without its idempotency key."""
    bare = pb.SendToContactListRequest()
    bare.CopyFrom(request)
    bare.ClearField("idempotency_key")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()


def send_message(row: SendRow) -> contact_pb2.ContactListSend:
    """One send."""
    template = email_pb.SendEmailRequest.FromString(row.template)
    message = contact_pb2.ContactListSend(
        id=row.id,
        contact_list_id=row.list_id,
        status=_STATUSES[row.status],
        subject=template.subject,
        member_count=row.member_count,
        accepted_count=row.accepted_count,
        unsubscribed_count=row.unsubscribed_count,
        suppressed_count=row.suppressed_count,
        failed_count=row.failed_count,
        reason=row.reason,
        message=row.message,
        created_at=timestamp(row.created_at),
        resumes_at=timestamp(row.due_at) if row.status == "waiting" and row.due_at is not None else None,
        completed_at=None if row.completed_at is None else timestamp(row.completed_at),
    )
    setattr(message, "from", getattr(template, "from"))
    return message


def _template(request: pb.SendToContactListRequest) -> email_pb.SendEmailRequest:
    template = email_pb.SendEmailRequest(
        subject=request.subject, reply_to=request.reply_to, headers=request.headers
    )
    setattr(template, "from", getattr(request, "from"))
    if request.html:
        template.html = request.html
    if request.text:
        template.text = request.text
    return template

"""Reading emails back, always of one organisation."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, func, select

from server.db.reach import ALL, Reach
from server.db.tables.emails import attachments, email_contents, emails, recipients
from server.db.tx import Tx
from server.emails.criteria import JobType, of_type
from server.events import log
from server.events.rows import EventRow
from server.quotas.store import account_state


class EmailRow(NamedTuple):
    """An email without its content; times are milliseconds since 1970 UTC.

    `to`, `cc`, `bcc`, `reply_to` and `tags` are JSON lists.
    """

    id: str
    sender: str
    subject: str
    to: str
    cc: str
    bcc: str
    reply_to: str
    tags: str
    message_id: str
    test: bool
    status: str
    created_at: int
    scheduled_at: int | None
    job_id: str | None
    # The most attempts that were made for any of its recipients.
    attempts: int


class ContentRow(NamedTuple):
    """The content of an email; `headers` is a JSON object."""

    html: str | None
    text: str | None
    headers: str


class RecipientRow(NamedTuple):
    """A recipient of an email and its last reply."""

    kind: Literal["to", "cc", "bcc"]
    address: str
    status: str
    attempts: int
    reply_code: int | None
    reply_status: str | None
    reply_text: str | None
    remote_host: str | None


class AttachmentRow(NamedTuple):
    """An attachment without its content; `size` in bytes."""

    email_id: str
    no: int
    filename: str
    content_type: str
    content_id: str
    size: int


@dataclass(frozen=True, slots=True)
class EmailDetails:
    """An email with everything that belongs to it; `content` is None after its time of retention (F-13)."""

    email: EmailRow
    content: ContentRow | None
    recipients: list[RecipientRow]
    attachments: list[AttachmentRow]
    events: list[EventRow]
    # Of the organisation, now.
    account_state: str


_ATTEMPTS = (
    select(func.max(recipients.c.attempts))
    .where(recipients.c.org_id == emails.c.org_id, recipients.c.email_id == emails.c.id)
    .scalar_subquery()
)
EMAIL_COLUMNS = (
    *(emails.c[name] for name in EmailRow._fields if name != "attempts"),
    _ATTEMPTS.label("attempts"),
)
_CONTENT = tuple(email_contents.c[name] for name in ContentRow._fields)
_RECIPIENT = tuple(recipients.c[name] for name in RecipientRow._fields)
_ATTACHMENT = tuple(attachments.c[name] for name in AttachmentRow._fields)


def details(
    tx: Tx, org_id: str, email_id: str, reach: Reach = ALL, job_type: JobType | None = None
) -> EmailDetails | None:
    """One email with its content, recipients, attachments and events.

    None if there is no such email, none within reach, or none of this type.
    """
    query = select(*EMAIL_COLUMNS).where(*_within(reach, org_id, email_id), *of_type(job_type))
    email = tx.first(EmailRow, query)
    content = tx.first(
        ContentRow,
        select(*_CONTENT).where(email_contents.c.org_id == org_id, email_contents.c.email_id == email_id),
    )
    if email is None:
        return None
    return EmailDetails(
        email,
        content,
        _recipients(tx, org_id, email_id),
        _attachments(tx, org_id, email_id),
        log.of_email(tx, org_id, email_id),
        account_state(tx, org_id),
    )


def attachments_of(tx: Tx, org_id: str, email_id: str, reach: Reach = ALL) -> list[AttachmentRow] | None:
    """The attachments of one email in the order of the request; None if there is no such email in reach."""
    query = select(emails.c.id).where(*_within(reach, org_id, email_id))
    return None if tx.scalar(str, query) is None else _attachments(tx, org_id, email_id)


def _within(reach: Reach, org_id: str, email_id: str) -> list[ColumnElement[bool]]:
    return [emails.c.org_id == org_id, emails.c.id == email_id, *reach.conditions(org_id)]


def _recipients(tx: Tx, org_id: str, email_id: str) -> list[RecipientRow]:
    query = (
        select(*_RECIPIENT)
        .where(recipients.c.org_id == org_id, recipients.c.email_id == email_id)
        .order_by(recipients.c.no)
    )
    return tx.all(RecipientRow, query)


def _attachments(tx: Tx, org_id: str, email_id: str) -> list[AttachmentRow]:
    query = (
        select(*_ATTACHMENT)
        .where(attachments.c.org_id == org_id, attachments.c.email_id == email_id)
        .order_by(attachments.c.no)
    )
    return tx.all(AttachmentRow, query)

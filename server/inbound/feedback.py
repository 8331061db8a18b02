"""Recording reports about an email after it was accepted: complaints, and late bounces."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import delete, select, update

from server.db.tables.emails import emails, recipients
from server.db.tables.queue import outq
from server.db.tx import Tx
from server.emails.faults import EmailNotFound
from server.emails.lifecycle import email_status
from server.emails.store import forget_attachments
from server.events import log
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.store import NewSuppression, add

Kind = Literal["complained", "bounced"]
_NEVER_SENT = frozenset(("scheduled", "canceled", "suppressed"))


@dataclass(frozen=True, slots=True)
class Feedback:
    """A report about one recipient, its bare address in lower case; `text` is the text of the report.

    `enhanced_status` is the code of a bounce (RFC 3463); a complaint has none.
    """

    org_id: str
    email_id: str
    recipient: str
    kind: Kind
    text: str
    enhanced_status: str | None = None


class _Recipient(NamedTuple):
    no: int
    address: str
    status: str


def record(tx: Tx, feedback: Feedback, now_ms: int) -> str:
    """Records feedback in one transaction with the suppression that follows; returns the event's id.

    The same feedback is recorded once: later calls return the id of the first. Raises `EmailNotFound` if the
    organisation sent no such email to that recipient.
    """
    recipient = _recipient(tx, feedback)
    _lock(tx, feedback, recipient.no)
    known = _recorded(tx, feedback, recipient.address)
    if known is not None:
        return known
    _settle(tx, feedback, recipient.no, now_ms)
    forget_attachments(tx, [(feedback.org_id, feedback.email_id)])
    entry = log.Entry(
        org_id=feedback.org_id,
        email_id=feedback.email_id,
        type=f"email.{feedback.kind}",
        created_at=now_ms,
        recipient=recipient.address,
        reply_status=feedback.enhanced_status,
        reply_text=feedback.text,
    )
    log.append(tx, [entry])
    _suppress(tx, feedback, now_ms)
    return entry.id


def _recipient(tx: Tx, feedback: Feedback) -> _Recipient:
    query = select(recipients.c.no, recipients.c.address, recipients.c.status).where(
        recipients.c.org_id == feedback.org_id, recipients.c.email_id == feedback.email_id
    )
    for recipient in tx.all(_Recipient, query):
        if recipient.address.lower() == feedback.recipient and recipient.status not in _NEVER_SENT:
            return recipient
    raise EmailNotFound(feedback.email_id)


def _lock(tx: Tx, feedback: Feedback, no: int) -> None:
    """Takes the recipient out of the queue, and locks the email against other changes.

    A recipient with feedback has the email or never will. Queue before email, as the engine locks them.
    """
    tx.change(
        delete(outq).where(
            outq.c.org_id == feedback.org_id, outq.c.email_id == feedback.email_id, outq.c.no == no
        )
    )
    tx.scalar(
        str,
        select(emails.c.id)
        .where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
        .with_for_update(),
    )


def _recorded(tx: Tx, feedback: Feedback, address: str) -> str | None:
    """The id of the event that holds the same feedback already."""
    same = (f"email.{feedback.kind}", address)
    entries = log.of_email(tx, feedback.org_id, feedback.email_id)
    return next((entry.id for entry in entries if (entry.type, entry.recipient) == same), None)


def _settle(tx: Tx, feedback: Feedback, no: int, now_ms: int) -> None:
    of_email = (recipients.c.org_id == feedback.org_id, recipients.c.email_id == feedback.email_id)
    tx.change(
        update(recipients)
        .where(*of_email, recipients.c.no == no)
        .values(status=feedback.kind, updated_at=now_ms)
    )
    statuses = tx.scalars(str, select(recipients.c.status).where(*of_email))
    tx.change(
        update(emails)
        .where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
        .values(status=email_status(set(statuses)))
    )


def _is_test(tx: Tx, feedback: Feedback) -> bool:
    """True for test mail, which is never sent out and suppresses no address (F-5)."""
    query = select(emails.c.test).where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
    return tx.scalar(bool, query) is True


def _suppress(tx: Tx, feedback: Feedback, now_ms: int) -> None:
    if feedback.enhanced_status is not None:
        bounce = Bounce(
            feedback.org_id,
            feedback.email_id,
            feedback.recipient,
            feedback.enhanced_status,
            feedback.text,
        )
        suppress_bounced(tx, [bounce], now_ms)
        return
    if _is_test(tx, feedback):
        return
    complaint = NewSuppression(
        org_id=feedback.org_id,
        address=feedback.recipient,
        origin="complaint",
        created_at=now_ms,
        source_id=feedback.email_id,
    )
    add(tx, [complaint])

"""Recording reports about an email after it was accepted: complaints, and late bounces."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import select

from server.account_health.rules import CountsAs
from server.db.tables.emails import emails, recipients
from server.db.tx import Tx
from server.emails import transitions
from server.emails.faults import EmailNotFound
from server.emails.lifecycle import Effect, Status, effect_of
from server.emails.transitions import Reply, Transition
from server.events import log
from server.queue import store as queue
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.rules import blames_mailbox
from server.suppressions.store import NewSuppression, add

Kind = Literal["complained", "bounced"]


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
    status: Status


def record(tx: Tx, feedback: Feedback, now_ms: int) -> str:
    """Records feedback in one transaction with the suppression that follows; returns the event's id.

    The same feedback is recorded once: later calls return the id of the first. Raises `EmailNotFound` if the
    organisation sent no such email to that recipient.
    """
    org_id, email_id = feedback.org_id, feedback.email_id
    recipient = _recipient(tx, feedback)
    # A recipient with feedback has the email or never will.
    queue.remove(tx, [(org_id, email_id, recipient.no)])
    transitions.lock(tx, [(org_id, email_id)])
    known = _recorded(tx, feedback, recipient.address)
    if known is not None:
        return known
    reply = Reply(status=feedback.enhanced_status, text=feedback.text)
    report = Transition(
        *(org_id, email_id, recipient.no, feedback.kind),
        reply=reply,
        is_locked=True,
        counts_as=_counts_as(feedback),
    )
    (result,) = transitions.apply(tx, [report], now_ms)
    if result.event_id is None:
        raise EmailNotFound(email_id)
    _suppress(tx, feedback, now_ms)
    return result.event_id


def _recipient(tx: Tx, feedback: Feedback) -> _Recipient:
    query = select(recipients.c.no, recipients.c.address, recipients.c.status).where(
        recipients.c.org_id == feedback.org_id, recipients.c.email_id == feedback.email_id
    )
    for recipient in tx.all(_Recipient, query):
        is_sent = effect_of(recipient.status, feedback.kind) is not Effect.ILLEGAL
        if is_sent and recipient.address.lower() == feedback.recipient:
            return recipient
    raise EmailNotFound(feedback.email_id)


def _recorded(tx: Tx, feedback: Feedback, address: str) -> str | None:
    """The id of the event that holds the same feedback already."""
    same = (f"email.{feedback.kind}", address)
    entries = log.of_email(tx, feedback.org_id, feedback.email_id)
    return next((entry.id for entry in entries if (entry.type, entry.recipient) == same), None)


def _is_test(tx: Tx, feedback: Feedback) -> bool:
    """True for test mail, which is never sent out and suppresses no address (F-5)."""
    query = select(emails.c.test).where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
    return tx.scalar(bool, query) is True


def _counts_as(feedback: Feedback) -> CountsAs:
    """The part of feedback in the health of the account (contract row C-60)."""
    if feedback.kind == "complained":
        return "complained"
    return "bounced" if blames_mailbox(feedback.enhanced_status or "", feedback.text) else "refused"


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

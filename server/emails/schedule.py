"""Moving and canceling scheduled emails (F-2): the database decides between a cancel and the release."""

from collections.abc import Set

from sqlalchemy import select, update

from server.addresses import mailbox
from server.db.tables.emails import emails, recipients
from server.db.tx import Tx
from server.emails.faults import DomainNotAllowed, EmailNotFound, EmailNotScheduled
from server.emails.lifecycle import Effect
from server.emails.transitions import Transition, apply
from server.faults import Fault


def move(tx: Tx, org_id: str, email_id: str, at_ms: int, allowed_domains: Set[str]) -> Fault | None:
    """Gives a scheduled email another time, or returns the reason why not.

    A key that may send only from `allowed_domains` may move only what is sent from these; empty for all
    (F-7).
    """
    if (fault := _check_sender(tx, org_id, email_id, allowed_domains)) is not None:
        return fault
    this = (emails.c.org_id == org_id, emails.c.id == email_id)
    moved = tx.change(update(emails).where(*this, emails.c.status == "scheduled").values(scheduled_at=at_ms))
    return None if moved else _not_scheduled(tx, org_id, email_id)


def cancel(tx: Tx, org_id: str, email_id: str, now_ms: int, allowed_domains: Set[str]) -> Fault | None:
    """Cancels a scheduled email and deletes its attachments' content, or returns the reason why not.

    `allowed_domains` is as for `move`.
    """
    if (fault := _check_sender(tx, org_id, email_id, allowed_domains)) is not None:
        return fault
    waiting = tx.scalars(
        int,
        select(recipients.c.no).where(
            recipients.c.org_id == org_id,
            recipients.c.email_id == email_id,
            recipients.c.status == "scheduled",
        ),
    )
    # A release may have begun meanwhile: then none of these is legal any more.
    results = apply(tx, [Transition(org_id, email_id, no, "canceled") for no in waiting], now_ms)
    if any(result.effect is Effect.APPLIED for result in results):
        return None
    return _not_scheduled(tx, org_id, email_id)


def _check_sender(tx: Tx, org_id: str, email_id: str, allowed_domains: Set[str]) -> Fault | None:
    if not allowed_domains:
        return None
    query = select(emails.c.sender).where(emails.c.org_id == org_id, emails.c.id == email_id)
    sender = tx.scalar(str, query)
    if sender is None:
        return EmailNotFound(email_id)
    domain = mailbox(sender).domain
    return None if domain in allowed_domains else DomainNotAllowed(domain)


def _not_scheduled(tx: Tx, org_id: str, email_id: str) -> Fault:
    query = select(emails.c.status).where(emails.c.org_id == org_id, emails.c.id == email_id)
    status = tx.scalar(str, query)
    return EmailNotFound(email_id) if status is None else EmailNotScheduled(email_id, status)

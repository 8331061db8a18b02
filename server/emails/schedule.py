"""Moving and canceling scheduled emails (F-2): the database decides between a cancel and the release."""

from typing import NamedTuple

from sqlalchemy import select, update

from server.addresses import mailbox
from server.db.tables.emails import emails, recipients
from server.db.tx import Tx
from server.emails.criteria import JobType, of_type
from server.emails.faults import DomainNotAllowed, EmailNotFound, EmailNotScheduled
from server.emails.lifecycle import Effect
from server.emails.transitions import Transition, apply
from server.faults import Fault
from server.wire.caller import OrganisationCaller


def move(tx: Tx, caller: OrganisationCaller, email_id: str, at_ms: int) -> Fault | None:
    """Gives a scheduled email another time, or returns the reason why not.

    A key that may send only from some domains may move only what is sent from these (F-7), a test key only
    test mail (C-87).
    """
    org_id = caller.org_id
    if (fault := _check_caller(tx, caller, email_id)) is not None:
        return fault
    this = (emails.c.org_id == org_id, emails.c.id == email_id)
    moved = tx.change(update(emails).where(*this, emails.c.status == "scheduled").values(scheduled_at=at_ms))
    return None if moved else _not_scheduled(tx, org_id, email_id)


def cancel(
    tx: Tx, caller: OrganisationCaller, email_id: str, now_ms: int, job_type: JobType | None = None
) -> Fault | None:
    """Cancels a scheduled email and deletes its attachments' content, or returns the reason why not.

    The bounds of keys are as for `move`. With `job_type` there are no emails of another type.
    """
    org_id = caller.org_id
    if (fault := _check_caller(tx, caller, email_id)) is not None:
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
    return _not_scheduled(tx, org_id, email_id, job_type)


class _Bounds(NamedTuple):
    sender: str
    test: bool


def _check_caller(tx: Tx, caller: OrganisationCaller, email_id: str) -> Fault | None:
    if not caller.allowed_domains and not caller.test:
        return None
    columns = (emails.c.sender, emails.c.test)
    query = select(*columns).where(emails.c.org_id == caller.org_id, emails.c.id == email_id)
    found = tx.first(_Bounds, query)
    if found is None or (caller.test and not found.test):
        return EmailNotFound(email_id)
    domain = mailbox(found.sender).domain
    return None if domain in (caller.allowed_domains or {domain}) else DomainNotAllowed(domain)


def _not_scheduled(tx: Tx, org_id: str, email_id: str, job_type: JobType | None = None) -> Fault:
    query = select(emails.c.status).where(emails.c.org_id == org_id, emails.c.id == email_id)
    status = tx.scalar(str, query.where(*of_type(job_type)))
    return EmailNotFound(email_id) if status is None else EmailNotScheduled(email_id, status)

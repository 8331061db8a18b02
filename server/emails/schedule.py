"""Moving and canceling scheduled emails (F-2): the database decides between a cancel and the release."""

from collections.abc import Set

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.addresses import mailbox
from server.db.schema import emails, recipients
from server.emails.store import forget_attachments
from server.events import log
from server.faults import DomainNotAllowed, EmailNotFound, EmailNotScheduled, Fault


async def move(
    connection: AsyncConnection, org_id: str, email_id: str, at_ms: int, allowed_domains: Set[str]
) -> Fault | None:
    """Gives a scheduled email another time; or why not.

    Who may only send from some domains may only move what is sent from these; empty for all (F-7).
    """
    if (fault := await _not_theirs(connection, org_id, email_id, allowed_domains)) is not None:
        return fault
    this = (emails.c.org_id == org_id, emails.c.id == email_id)
    moved = await connection.execute(
        update(emails).where(*this, emails.c.status == "scheduled").values(scheduled_at=at_ms)
    )
    return None if moved.rowcount else await _why_not(connection, org_id, email_id)


async def cancel(
    connection: AsyncConnection, org_id: str, email_id: str, now_ms: int, allowed_domains: Set[str]
) -> Fault | None:
    """Cancels a scheduled email, its attachments are forgotten; or why not. Domains are as for `move`."""
    if (fault := await _not_theirs(connection, org_id, email_id, allowed_domains)) is not None:
        return fault
    this = (emails.c.org_id == org_id, emails.c.id == email_id)
    canceled = await connection.execute(
        update(emails).where(*this, emails.c.status == "scheduled").values(status="canceled")
    )
    if not canceled.rowcount:
        return await _why_not(connection, org_id, email_id)
    await connection.execute(
        update(recipients)
        .where(
            recipients.c.org_id == org_id,
            recipients.c.email_id == email_id,
            recipients.c.status == "scheduled",
        )
        .values(status="canceled", updated_at=now_ms)
    )
    await forget_attachments(connection, [(org_id, email_id)])
    entry = log.Entry(org_id=org_id, email_id=email_id, type="email.canceled", created_at=now_ms)
    await log.append(connection, [entry])
    return None


async def _not_theirs(
    connection: AsyncConnection, org_id: str, email_id: str, allowed_domains: Set[str]
) -> Fault | None:
    if not allowed_domains:
        return None
    query = select(emails.c.sender).where(emails.c.org_id == org_id, emails.c.id == email_id)
    sender = await connection.scalar(query)
    if sender is None:
        return EmailNotFound(email_id)
    domain = mailbox(sender).domain
    return None if domain in allowed_domains else DomainNotAllowed(domain)


async def _why_not(connection: AsyncConnection, org_id: str, email_id: str) -> Fault:
    query = select(emails.c.status).where(emails.c.org_id == org_id, emails.c.id == email_id)
    status = await connection.scalar(query)
    return EmailNotFound(email_id) if status is None else EmailNotScheduled(email_id, status)

"""Recording what receiving systems tell after they took an email: complaints, and bounces that come late."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import emails, outq, recipients
from server.emails.lifecycle import email_status
from server.emails.store import forget_attachments
from server.events import log
from server.faults import EmailNotFound
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.store import NewSuppression, add

What = Literal["complained", "bounced"]
_NEVER_SENT = frozenset(("scheduled", "canceled", "suppressed"))


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was told of one recipient, its bare address in lower case; `text` is what the report says.

    `enhanced_status` is the code of a bounce (RFC 3463); a complaint has none.
    """

    org_id: str
    email_id: str
    recipient: str
    what: What
    text: str
    enhanced_status: str | None = None


async def record(connection: AsyncConnection, feedback: Feedback, now_ms: int) -> str:
    """Records feedback in one transaction with the suppression that follows; returns the event's id.

    What was recorded already is not recorded again: the id is that of the first time. Raises
    `EmailNotFound` if the organisation sent no such email to that recipient.
    """
    no, address = await _recipient(connection, feedback)
    await _lock(connection, feedback, no)
    known = await _recorded(connection, feedback, address)
    if known is not None:
        return known
    await _settle(connection, feedback, no, now_ms)
    await forget_attachments(connection, [(feedback.org_id, feedback.email_id)])
    entry = log.Entry(
        org_id=feedback.org_id,
        email_id=feedback.email_id,
        type=f"email.{feedback.what}",
        created_at=now_ms,
        recipient=address,
        reply_status=feedback.enhanced_status,
        reply_text=feedback.text,
    )
    await log.append(connection, [entry])
    await _suppress(connection, feedback, now_ms)
    return entry.id


async def _recipient(connection: AsyncConnection, feedback: Feedback) -> tuple[int, str]:
    """The recipient's number, and its address as it is written there."""
    query = select(recipients.c.no, recipients.c.address, recipients.c.status).where(
        recipients.c.org_id == feedback.org_id, recipients.c.email_id == feedback.email_id
    )
    for no, address, status in await connection.execute(query):
        if address.lower() == feedback.recipient and status not in _NEVER_SENT:
            return no, address
    raise EmailNotFound(feedback.email_id)


async def _lock(connection: AsyncConnection, feedback: Feedback, no: int) -> None:
    """Takes the recipient out of the queue, and keeps others from recording something of the email now.

    A recipient of whom there is feedback has the email or never will. Queue before email, as the engine
    locks them.
    """
    await connection.execute(
        delete(outq).where(
            outq.c.org_id == feedback.org_id, outq.c.email_id == feedback.email_id, outq.c.no == no
        )
    )
    await connection.execute(
        select(emails.c.id)
        .where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
        .with_for_update()
    )


async def _recorded(connection: AsyncConnection, feedback: Feedback, address: str) -> str | None:
    wanted = (f"email.{feedback.what}", address)
    entries = await log.of_email(connection, feedback.org_id, feedback.email_id)
    return next((entry.id for entry in entries if (entry.type, entry.recipient) == wanted), None)


async def _settle(connection: AsyncConnection, feedback: Feedback, no: int, now_ms: int) -> None:
    of_email = (recipients.c.org_id == feedback.org_id, recipients.c.email_id == feedback.email_id)
    await connection.execute(
        update(recipients)
        .where(*of_email, recipients.c.no == no)
        .values(status=feedback.what, updated_at=now_ms)
    )
    statuses = await connection.execute(select(recipients.c.status).where(*of_email))
    await connection.execute(
        update(emails)
        .where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
        .values(status=email_status({status for (status,) in statuses}))
    )


async def _is_test(connection: AsyncConnection, feedback: Feedback) -> bool:
    """Whether the email is test mail: it never left the building, and suppresses nobody (F-5)."""
    query = select(emails.c.test).where(emails.c.org_id == feedback.org_id, emails.c.id == feedback.email_id)
    return bool(await connection.scalar(query))


async def _suppress(connection: AsyncConnection, feedback: Feedback, now_ms: int) -> None:
    if feedback.enhanced_status is not None:
        bounce = Bounce(
            feedback.org_id,
            feedback.email_id,
            feedback.recipient,
            feedback.enhanced_status,
            feedback.text,
        )
        await suppress_bounced(connection, [bounce], now_ms)
        return
    if await _is_test(connection, feedback):
        return
    complaint = NewSuppression(
        org_id=feedback.org_id,
        address=feedback.recipient,
        origin="complaint",
        created_at=now_ms,
        source_id=feedback.email_id,
    )
    await add(connection, [complaint])

"""Reading emails back: rows of the tables, always of one organisation."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import attachment_parts, attachments, email_contents, emails, outq, recipients


async def email(connection: AsyncConnection, org_id: str, email_id: str) -> Row[Any] | None:
    """One email with its content: the columns of both tables."""
    query = (
        select(emails, email_contents.c.html, email_contents.c.text, email_contents.c.headers)
        .join(
            email_contents,
            (email_contents.c.org_id == emails.c.org_id) & (email_contents.c.email_id == emails.c.id),
        )
        .where(emails.c.org_id == org_id, emails.c.id == email_id)
    )
    return (await connection.execute(query)).one_or_none()


async def is_email(connection: AsyncConnection, org_id: str, email_id: str) -> bool:
    """Whether there is such an email."""
    query = select(emails.c.id).where(emails.c.org_id == org_id, emails.c.id == email_id)
    return await connection.scalar(query) is not None


async def recipients_of(connection: AsyncConnection, org_id: str, email_id: str) -> Sequence[Row[Any]]:
    """The recipients of one email, in the order of the envelope."""
    query = (
        select(recipients)
        .where(recipients.c.org_id == org_id, recipients.c.email_id == email_id)
        .order_by(recipients.c.no)
    )
    return (await connection.execute(query)).all()


async def attachments_of(connection: AsyncConnection, org_id: str, email_id: str) -> Sequence[Row[Any]]:
    """The attachments of one email without their content, in the order of the request."""
    shown = ("email_id", "no", "filename", "content_type", "content_id", "size")
    query = (
        select(*(attachments.c[name] for name in shown))
        .where(attachments.c.org_id == org_id, attachments.c.email_id == email_id)
        .order_by(attachments.c.no)
    )
    return (await connection.execute(query)).all()


async def forget_attachments(connection: AsyncConnection, keys: Iterable[tuple[str, str]]) -> None:
    """Deletes the content of the attachments of these (organisation, email) pairs, where nothing is queued.

    What is known about the files stays (Z-23).
    """
    wanted = list(keys)
    if wanted:
        owner = (attachment_parts.c.org_id, attachment_parts.c.email_id)
        waiting = exists().where(outq.c.org_id == owner[0], outq.c.email_id == owner[1])
        await connection.execute(delete(attachment_parts).where(among(connection, owner, wanted), ~waiting))

"""Forgets whom an organisation wrote to in months that are over: it is counted by them no more (Z-44)."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import unique_recipients

_SWEPT_AT_ONCE = 1_000
_KEY = (unique_recipients.c.org_id, unique_recipients.c.address)


async def sweep(connection: AsyncConnection, month: int) -> bool:
    """Deletes recipients of months before this one; True if there may be more of them.

    It reads the whole table when there are none: to be called once a month.
    """
    is_over = unique_recipients.c.month < month
    rows = (await connection.execute(select(*_KEY).where(is_over).limit(_SWEPT_AT_ONCE))).all()
    if rows:
        await connection.execute(delete(unique_recipients).where(among(connection, _KEY, rows), is_over))
    return len(rows) == _SWEPT_AT_ONCE

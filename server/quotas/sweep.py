"""Forgets whom an organisation wrote to in months that are over: it is counted by them no more (Z-44)."""

from collections.abc import Sequence

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.keys import among
from server.db.schema import unique_recipients
from server.db.writer import Writer

_SWEPT_AT_ONCE = 1_000
_KEY = (unique_recipients.c.org_id, unique_recipients.c.address)


async def sweep(database: Database, writer: Writer, month: int) -> bool:
    """Deletes recipients of months before this one; True if there may be more of them.

    It reads the whole table when there are none, while nobody waits for it: to be called once a month.
    """
    is_over = unique_recipients.c.month < month

    async def find(connection: AsyncConnection) -> Sequence[Row[str, str]]:
        return (await connection.execute(select(*_KEY).where(is_over).limit(_SWEPT_AT_ONCE))).all()

    over = await database.look(find)

    async def forget(connection: AsyncConnection) -> None:
        await connection.execute(delete(unique_recipients).where(among(connection, _KEY, over), is_over))

    if over:
        await writer.run(forget)
    return len(over) == _SWEPT_AT_ONCE

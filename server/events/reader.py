"""How far a reader of the log has come: its durable place, moved with what it made of the events."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import log_readers
from server.events.log import BEGINNING, Place

_INSERT = {
    "sqlite": sqlite.insert(log_readers).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(log_readers).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the log by its name; any number of processes may run one."""

    name: str

    async def place(self, connection: AsyncConnection) -> Place | None:
        """How far the log was read; None before the reader was first registered."""
        query = select(log_readers.c.tx, log_readers.c.seq).where(log_readers.c.reader == self.name)
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else Place(row.tx, row.seq)

    async def register(self, connection: AsyncConnection, asked: Sequence[None]) -> list[None]:
        """Lets the reader begin at the beginning, unless it is known; an act of the `Writer`."""
        beginning = {"reader": self.name, "tx": BEGINNING.tx, "seq": BEGINNING.seq}
        await connection.execute(_INSERT[connection.dialect.name], beginning)
        return [None] * len(asked)

    async def move(self, connection: AsyncConnection, start: Place, to: Place) -> bool:
        """Moves the reader on, in the transaction that stores what it made of the events between.

        False: another process moved it meanwhile, and nothing of this one's may be stored.
        """
        moved = await connection.execute(
            update(log_readers)
            .where(
                log_readers.c.reader == self.name,
                log_readers.c.tx == start.tx,
                log_readers.c.seq == start.seq,
            )
            .values(tx=to.tx, seq=to.seq)
        )
        return moved.rowcount == 1

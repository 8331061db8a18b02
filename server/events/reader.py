"""How far a reader of the log has come: its durable place, moved with what it made of the events."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.prepared import Prepared
from server.db.schema import log_readers
from server.db.upsert import upserting
from server.events.log import BEGINNING, Place

_REGISTER = Prepared(lambda dialect: upserting(dialect, log_readers).on_conflict_do_nothing())
_PLACE = Prepared(
    lambda _: select(log_readers.c.tx, log_readers.c.seq).where(log_readers.c.reader == bindparam("reader"))
)
_MOVE = Prepared(
    lambda _: (
        update(log_readers)
        .where(
            log_readers.c.reader == bindparam("b_reader"),
            log_readers.c.tx == bindparam("from_tx"),
            log_readers.c.seq == bindparam("from_seq"),
        )
        .values(tx=bindparam("to_tx"), seq=bindparam("to_seq"))
    )
)


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the log by its name; any number of processes may run one."""

    name: str

    async def place(self, connection: AsyncConnection) -> Place | None:
        """How far the log was read; None before the reader was first registered."""
        rows = await _PLACE.rows(connection, {"reader": self.name})
        return Place(*rows[0]) if rows else None

    async def register(self, connection: AsyncConnection, asked: Sequence[None]) -> list[None]:
        """Lets the reader begin at the beginning, unless it is known; an act of the `Writer`."""
        beginning = {"reader": self.name, "tx": BEGINNING.tx, "seq": BEGINNING.seq}
        await _REGISTER.change(connection, [beginning])
        return [None] * len(asked)

    async def move(self, connection: AsyncConnection, start: Place, to: Place) -> bool:
        """Moves the reader on, in the transaction that stores what it made of the events between.

        False: another process moved it meanwhile, and nothing of this one's may be stored.
        """
        step = {"from_tx": start.tx, "from_seq": start.seq, "to_tx": to.tx, "to_seq": to.seq}
        return await _MOVE.change(connection, [{"b_reader": self.name, **step}]) == 1

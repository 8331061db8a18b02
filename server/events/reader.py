"""The durable place of each reader of the log, moved with what the reader made of the events."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.events.rows import BEGINNING, Place

_REGISTER = Change(
    "INSERT INTO log_readers (reader, tx, seq) VALUES (:reader, :tx, :seq) ON CONFLICT DO NOTHING"
)
_PLACE = Statement(Place, "SELECT tx, seq FROM log_readers WHERE reader = :reader")
# Changes nothing if another process has moved the reader.
_MOVE = Change("""
    UPDATE log_readers SET tx = :to_tx, seq = :to_seq
    WHERE reader = :reader AND tx = :from_tx AND seq = :from_seq
""")


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the log by its name; any number of processes may run one."""

    name: str

    def place(self, tx: Tx) -> Place | None:
        """The place after the last event that was handled; None before the reader is registered."""
        return _PLACE.first(tx, reader=self.name)

    def register(self, tx: Tx, items: Sequence[None]) -> list[None]:
        """Places the reader at the beginning, unless it is registered; an act of the `Writer`."""
        _REGISTER.run(tx, [{"reader": self.name, "tx": BEGINNING.tx, "seq": BEGINNING.seq}])
        return [None] * len(items)

    def move(self, tx: Tx, start: Place, to: Place) -> bool:
        """Moves the reader on, in the transaction that stores what it made of the events between.

        False if another process has moved it from `start`: then the caller must store nothing.
        """
        step = {"from_tx": start.tx, "from_seq": start.seq, "to_tx": to.tx, "to_seq": to.seq}
        return _MOVE.run(tx, [{"reader": self.name, **step}]) == 1

"""The durable places of each reader of the log, moved with what the reader made of the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.events.rows import BEGINNING, Place


class _Read(NamedTuple):
    unit: int
    stamp: int
    seq: int


_PLACES = Statement(_Read, "SELECT unit, stamp, seq FROM log_readers WHERE reader = :reader")
_REGISTER = Change("""
    INSERT INTO log_readers (reader, unit, stamp, seq)
    SELECT :reader, unit, :stamp, :seq FROM log_heads WHERE TRUE
    ON CONFLICT DO NOTHING
""")
# Changes nothing if another process has moved the reader.
_MOVE = Change("""
    UPDATE log_readers SET stamp = :to_stamp, seq = :to_seq
    WHERE reader = :reader AND unit = :unit AND stamp = :from_stamp AND seq = :from_seq
""")


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the log by its name; any number of processes may run one."""

    name: str

    def places(self, tx: Tx) -> Mapping[int, Place]:
        """The place in each unit after the last event that was handled; none before it is registered."""
        return {row.unit: Place(row.stamp, row.seq) for row in _PLACES.all(tx, reader=self.name)}

    def register(self, tx: Tx, items: Sequence[None]) -> list[None]:
        """Places the reader at the beginning, unless it is registered; an act of the `Writer`."""
        _REGISTER.run(tx, [{"reader": self.name, **BEGINNING._asdict()}])
        return [None] * len(items)

    def move(self, tx: Tx, unit: int, start: Place, to: Place) -> bool:
        """Moves the reader on in a unit, in the transaction that stores what it made of the events between.

        False if another process has moved it from `start`: then the caller must store nothing.
        """
        step = {"from_stamp": start.stamp, "from_seq": start.seq, "to_stamp": to.stamp, "to_seq": to.seq}
        return _MOVE.run(tx, [{"reader": self.name, "unit": unit, **step}]) == 1

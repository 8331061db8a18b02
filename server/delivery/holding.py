"""The rows and messages that an engine holds in memory, of which each organisation has a share."""

from collections import Counter
from collections.abc import Iterable, Sequence

from server.delivery.memory_budget import LARGE, MemoryBudget
from server.delivery.transport import OutgoingMessage
from server.queue.rows import Claimed, LeaseKey
from server.turns import Shares

# Rows held for each delivery that may run: enough that none waits for the store, though one organisation
# holds a share only. With more deliveries at once than `_FEW` it is `_HELD_PER_DELIVERY_OF_MANY`: then most
# of them wait for their sites.
_HELD_PER_DELIVERY = 5
_FEW = 64
_HELD_PER_DELIVERY_OF_MANY = 3
# Slow sites together keep this part of the rows, when others need it. With it and with a delivery in each of
# its slots an organisation may still claim (`Shares.may_double`), or its mail to other sites would wait.
_PART_OF_SLOW_SITES = 8
_MAX_CLAIM = 128


class Holding:
    """Counts rows from their claim to their end, and messages while they are in memory."""

    def __init__(self, slots: int, *, has_many_sites: bool) -> None:
        self._size = min(slots, _FEW) * _HELD_PER_DELIVERY
        if has_many_sites:
            self._size = max(self._size, slots * _HELD_PER_DELIVERY_OF_MANY)
        self.kept_of_slow_sites = max(1, self._size // _PART_OF_SLOW_SITES)
        self._rows = Shares(self._size)
        self._memory = MemoryBudget()

    @property
    def is_tight(self) -> bool:
        """True if slow sites should keep no more than their part: nothing of some owner can be claimed."""
        if self._rows.free < self._size // 2 or not self._memory.has_room:
            return True
        return not all(map(self._rows.may_double, self._rows.owners))

    @property
    def most(self) -> int:
        """The most rows to claim now."""
        return min(self._rows.free, _MAX_CLAIM) if self._memory.has_room else 0

    def shares(self) -> Shares:
        """The rows that each organisation holds; one whose messages fill its memory holds all that it may."""
        shares = self._rows.copy()
        for org_id in shares.owners:
            if not self._memory.has_room_of(org_id):
                shares.take(org_id, shares.room(org_id))
        return shares

    def add(self, rows: Iterable[Claimed]) -> None:
        """Counts claimed rows."""
        for row in rows:
            self._rows.take(row.key.org_id)

    def drop(self, keys: Sequence[LeaseKey]) -> bool:
        """Ends the count of rows; True if their organisations have room for more."""
        counts = Counter(key.org_id for key in keys)
        for org_id, count in counts.items():
            self._rows.give_back(org_id, count)
        return any(map(self._rows.may_double, counts))

    def has_memory_for(self, row: Claimed) -> bool:
        """True if the message of a row may be built."""
        org_id = row.key.org_id
        if row.attached > LARGE:
            return self._memory.has_room_for_large(org_id)
        return self._memory.has_room_of(org_id)

    def add_letter(self, letter: OutgoingMessage) -> None:
        """Counts the message of a job."""
        self._memory.add(letter)

    def drop_letter(self, letter: OutgoingMessage) -> None:
        """Ends the count of the message of a job."""
        self._memory.drop(letter)

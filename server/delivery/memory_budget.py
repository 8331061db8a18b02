"""Memory budget for loaded messages, of which each organisation has a share.

Messages over 256 KiB have a separate budget, and delay no smaller ones.
"""

from server.delivery.transport import OutgoingMessage
from server.turns import Shares

# A message with more attachments than this is large, in bytes: it is built alone.
LARGE = 262_144
# No more is claimed while small messages take this much memory, in bytes.
_MAX_SMALL = 32 * 2**20
# No further large message is built while large ones take this much, in bytes.
_MAX_LARGE = 64 * 2**20


class MemoryBudget:
    """Counts the messages in memory; a large one, which its jobs share, is counted once."""

    def __init__(self) -> None:
        self._small = Shares(_MAX_SMALL)
        self._large = Shares(_MAX_LARGE)
        self._jobs: dict[int, int] = {}

    @property
    def has_room(self) -> bool:
        """True if more mail may be claimed."""
        return self._small.free > 0

    def has_room_of(self, org_id: str) -> bool:
        """True if more mail of an organisation may be built."""
        return self._small.fits(org_id)

    def has_room_for_large(self, org_id: str) -> bool:
        """True if another large message of an organisation may be built."""
        return self._large.fits(org_id)

    def add(self, letter: OutgoingMessage) -> None:
        """Counts a job of a message."""
        size = len(letter.content)
        if size <= LARGE:
            self._small.take(letter.org_id, size)
            return
        if id(letter) not in self._jobs:
            self._large.take(letter.org_id, size)
        self._jobs[id(letter)] = self._jobs.get(id(letter), 0) + 1

    def drop(self, letter: OutgoingMessage) -> None:
        """Ends the count of a job of a message."""
        if (size := len(letter.content)) <= LARGE:
            self._small.give_back(letter.org_id, size)
            return
        self._jobs[id(letter)] -= 1
        if not self._jobs[id(letter)]:
            del self._jobs[id(letter)]
            self._large.give_back(letter.org_id, size)

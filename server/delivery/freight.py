"""How much memory the messages in hand take; large ones have a part of their own, and hold up no others."""

from server.delivery.transport import OutgoingMessage

# A message with more attachments than this is large, in bytes: it is prepared alone.
HEAVY = 262_144
# No more is claimed while the small messages in hand take as much.
_MOST_LIGHT = 32 * 2**20
# No further large one is prepared while those in hand take as much.
_MOST_HEAVY = 64 * 2**20


class Freight:
    """Counts messages as they come and go; a large one, which its jobs share, is counted once."""

    def __init__(self) -> None:
        self._light = 0
        self._heavy: dict[int, int] = {}
        self._jobs: dict[int, int] = {}

    @property
    def has_room(self) -> bool:
        """Whether more mail may be taken in hand."""
        return self._light < _MOST_LIGHT

    @property
    def has_heavy_room(self) -> bool:
        """Whether another large message may be taken in hand."""
        return sum(self._heavy.values()) < _MOST_HEAVY

    def add(self, letter: OutgoingMessage) -> None:
        """A job of a message is in hand."""
        size = len(letter.content)
        if size <= HEAVY:
            self._light += size
            return
        self._heavy[id(letter)] = size
        self._jobs[id(letter)] = self._jobs.get(id(letter), 0) + 1

    def drop(self, letter: OutgoingMessage) -> None:
        """A job of a message is no more in hand."""
        if (size := len(letter.content)) <= HEAVY:
            self._light -= size
            return
        self._jobs[id(letter)] -= 1
        if not self._jobs[id(letter)]:
            del self._jobs[id(letter)], self._heavy[id(letter)]

"""The callers that were admitted a moment ago: their messages are read before they are admitted again.

gRPC reads the message of a unary call before it runs the method, up to 64 MiB of it; that of a stream it
reads when the method asks for it. So the calls of all others are served as streams, and a stranger's ends
unread (contract row C-41). A stream costs more: a caller who sends again and again does not pay for it.
"""

import time
from collections.abc import Callable, Hashable, Iterable

from server.newest import Newest
from server.wire.admission import CREDENTIAL_KEY, EDGE_KEY

# Seconds for which an admission counts, and the number of those that are remembered.
KNOWN_S = 5.0
MAX_KNOWN = 10_000
_NAMES = (CREDENTIAL_KEY, EDGE_KEY)


class Acquaintances:
    """The newest admissions, by method and credentials."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: Newest[Hashable, float] = Newest(MAX_KNOWN)

    def knows(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """True if a call with these credentials was admitted to the method in the last 5 seconds."""
        return self._until.get(_key(method, metadata), 0.0) > self._monotonic()

    def add(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Remembers that a call was admitted."""
        self._until.keep(_key(method, metadata), self._monotonic() + KNOWN_S)


def _key(method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Hashable:
    return method, *[pair for pair in metadata if pair[0] in _NAMES]

"""Whether callers crowd to hand mail in: then the process is theirs, and what can wait waits."""

import time

# So many emails accepted together are a crowd.
SIZE = 8
# For so long after it was last seen it is believed to be there.
LINGER_S = 0.1


class Crowd:
    """Learns from the size of what is accepted together; many at a time means that callers wait."""

    def __init__(self) -> None:
        self._seen_at = float("-inf")

    def seen(self, count: int) -> None:
        """So many emails were accepted together now."""
        if count >= SIZE:
            self._seen_at = time.monotonic()

    @property
    def is_there(self) -> bool:
        """Whether a crowd was seen a moment ago."""
        return time.monotonic() - self._seen_at < LINGER_S

"""A clock that tests advance."""

from server.clock import Clock

START_MS = 1_800_000_000_000  # 2027-01-15T08:00:00Z: a fixed moment, so that failures repeat.


class ManualClock(Clock):
    """A clock that moves only when a test advances it."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return self._now_ms

    def advance(self, seconds: float) -> None:
        """Moves the clock; a negative number moves it back, as a corrected clock may."""
        self._now_ms += round(seconds * 1000)

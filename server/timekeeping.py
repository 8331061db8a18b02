"""Keeps the clock of a process right, and watches the time of day of its machine (contract row C-93)."""

from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from server.clock import Clock, DatabaseClock, SystemClock
from server.db.database import Database
from server.db.time import readings
from server.work.loop import Loop
from server.work.service import Service

# The time between two readings of the database's clock, in seconds.
_PAUSE_S = 2.0
# The difference between the machine's clock and the database's that is worth a word, and its changes.
_MOST_MS = 5_000
# A correction that is more than what two clocks drift apart.
_JUMP_MS = 1_000
_OFFSET = Gauge(
    "zidimail_clock_offset_seconds",
    "The time of day of this machine, less that of the database: nothing goes by it, but it should be 0.",
)
_log = structlog.get_logger()


def timekeeping(clock: Clock, database: Database, warn: Callable[[str], None] | None = None) -> list[Service]:
    """The service that keeps `clock` right; none for a clock that needs no database.

    `warn` gets a sentence while the machine's clock is wrong, and an empty text while it is right.
    """
    return [Timekeeper(clock, database, warn)] if isinstance(clock, DatabaseClock) else []


class Timekeeper:
    """Corrects the clock every two seconds; a wrong clock of the machine is logged once and shown."""

    def __init__(
        self, clock: DatabaseClock, database: Database, warn: Callable[[str], None] | None = None
    ) -> None:
        self._clock = clock
        self._database = database
        self._warn = warn
        self._system = SystemClock()
        # The difference that was last logged.
        self._said_ms = 0
        self._loop = Loop("timekeeping", self._step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to read the database's clock."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the reading in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        # An outage does not stop the clock: it goes on by itself.
        moved_ms = sum([self._clock.correct(reading) for reading in await self._database.read(readings)])
        if abs(moved_ms) > _JUMP_MS:
            _log.warning("the time of the database jumped", seconds=moved_ms / 1000)
        self._compare(self._system.now_ms() - self._clock.now_ms())
        return False

    def _compare(self, ahead_ms: int) -> None:
        """Says how far the machine's clock is ahead of the database's, which is negative if it is behind."""
        _OFFSET.set(ahead_ms / 1000)
        is_wrong = abs(ahead_ms) > _MOST_MS
        if is_wrong and abs(ahead_ms - self._said_ms) > _MOST_MS:
            self._said_ms = ahead_ms
            _log.warning(
                "the clock of this machine is wrong: the database's is used", ahead_s=ahead_ms / 1000
            )
        elif not is_wrong and self._said_ms:
            self._said_ms = 0
            _log.info("the clock of this machine is right again", ahead_s=ahead_ms / 1000)
        if self._warn is not None:
            self._warn(_words(ahead_ms) if is_wrong else "")


def _words(ahead_ms: int) -> str:
    direction = "ahead of" if ahead_ms > 0 else "behind"
    return (
        f"The clock of a server's machine is {abs(ahead_ms) / 1000:.0f} s {direction} the database's, "
        "which is used instead. Set it by NTP."
    )

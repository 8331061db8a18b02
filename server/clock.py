"""The one source of the time of day, injected so that tests can move it.

On PostgreSQL it is the database's (contract row C-93): servers on several machines compare what they stored,
and one whose own clock is wrong would take the work of others for abandoned.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

# The most that two good clocks differ by in a time, as a part of it: twice what NTP corrects them by.
_MAX_DRIFT = 0.001


class Clock(Protocol):
    """A source of the current time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The system clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000


def steady_us() -> int:
    """Microseconds of a clock that nobody sets; on Linux it goes on while the machine sleeps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


class Reading(NamedTuple):
    """A time that the database gave, in microseconds since 1970 UTC, between two moments of `steady_us`."""

    time_us: int
    asked_us: int
    answered_us: int


class DatabaseClock:
    """The database's clock: what it last said, and the time that has passed since by `steady`.

    The time of day of this machine has no part in it, whether it is wrong or set while the process runs.
    """

    def __init__(self, first: Reading, steady: Callable[[], int] = steady_us) -> None:
        self._steady = steady
        self._take(first)

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC. Any thread may call it."""
        return (self._steady() + self._offset_us) // 1000

    def correct(self, reading: Reading) -> int:
        """Takes another reading into account; returns the milliseconds by which that moves the clock.

        A slow answer leaves a wide range in which the database's time may be, and does not make a narrow one
        worse. One that contradicts it counts alone: the database was set, or another took over, or this
        machine stood still together with its steady clock.
        """
        before_us = self._offset_us
        drift_us = round(abs(reading.answered_us - self._read_us) * _MAX_DRIFT)
        least_us = max(self._least_us - drift_us, reading.time_us - reading.answered_us)
        most_us = min(self._most_us + drift_us, reading.time_us - reading.asked_us)
        if least_us > most_us:
            self._take(reading)
        else:
            self._set(least_us, most_us, reading.answered_us)
        return (self._offset_us - before_us) // 1000

    def _take(self, reading: Reading) -> None:
        self._set(
            reading.time_us - reading.answered_us, reading.time_us - reading.asked_us, reading.answered_us
        )

    def _set(self, least_us: int, most_us: int, read_us: int) -> None:
        """The database's time is ahead of `steady` by no less and no more than this."""
        self._least_us, self._most_us, self._read_us = least_us, most_us, read_us
        self._offset_us = (least_us + most_us) // 2

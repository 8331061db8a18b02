"""Ids: 24 lower-case hexadecimal digits, ordered by time (contract row C-30)."""

import random
import re

from server.clock import Clock, SystemClock

# The organisation of the platform itself, which sends its own mail (C-78); no id that is made begins like it.
SYSTEM_ORG_ID = "000000007a6964696d61696c"
_PATTERN = re.compile(r"[0-9a-f]{24}\Z")
_RANDOM = random.Random()
_STEP_BITS = 20
_RANDOM_BITS = 48
_TIME_BITS = 48


class _Sequence:
    """48 bits of milliseconds, 48 random bits, strictly increasing within this process."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self._last = 0

    def next(self) -> int:
        value = self.clock.now_ms() << _RANDOM_BITS | _RANDOM.getrandbits(_RANDOM_BITS)
        if value <= self._last:
            value = self._last + 1 + _RANDOM.getrandbits(_STEP_BITS)
        self._last = value
        return value


_SEQUENCE = _Sequence()


def go_by(clock: Clock) -> None:
    """Makes the ids of this process go by `clock`: lists and retention take them for times (C-30, C-93)."""
    _SEQUENCE.clock = clock


def new_id() -> str:
    """A new id. It may be guessable: every look-up names the organisation too."""
    return f"{_SEQUENCE.next():024x}"


def least_id_of(ms: int) -> str:
    """The lowest id that can be made at a time, in milliseconds since 1970 UTC.

    Times that an id cannot represent are replaced by the earliest or the latest one that it can.
    """
    return f"{min(max(ms, 0), (1 << _TIME_BITS) - 1) << _RANDOM_BITS:024x}"


def ms_of(id: str) -> int:
    """The time at which an id was made, in milliseconds since 1970 UTC."""
    return int(id, 16) >> _RANDOM_BITS


def is_id(text: str) -> bool:
    """True if `text` has the form of an id."""
    return _PATTERN.match(text) is not None

"""Deadlines of attempts: hosts that are slow at every step must not hold a slot for hours.

The time limit of each step (`Timeouts`) is what RFC 5321 demands of a sender that has time. The deadline is
that of the whole attempt until its final dot, all hosts of the site included. After the dot there is none: to
stop waiting then makes duplicates (RFC 1047).
"""

import asyncio
from types import TracebackType
from typing import Self

# The most time until the final dot, and while other mail waits for a slot (seconds): RFC 5321 section
# 4.5.3.2 allows five minutes for the greeting alone, and hardly any host that takes mail needs one.
ATTEMPT_S = 600.0
PRESSED_S = 45.0
# The slowest connection that gets the time to send its message, in bytes a second.
SLOWEST = 32_768


class Deadline:
    """The deadline of one attempt, as a context manager. At its end it raises TimeoutError."""

    def __init__(self, running: set["Deadline"], limit_s: float, allowance_s: float) -> None:
        self._running = running
        self._limit_s = limit_s
        self._allowance_s = allowance_s
        self._timeout = asyncio.timeout(None)
        self._began_at = asyncio.get_running_loop().time()
        self._is_lifted = False

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._running.add(self)
        self.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.discard(self)
        await self._timeout.__aexit__(kind, error, trace)

    @property
    def has_passed(self) -> bool:
        """True if the attempt was ended by its deadline."""
        return self._timeout.expired()

    @property
    def seconds(self) -> float:
        """The time that the attempt has."""
        return self._limit_s + self._allowance_s

    def limit(self, limit_s: float) -> None:
        """Changes the time that the attempt has, apart from the time for sending its message."""
        self._limit_s = limit_s
        if not self._is_lifted and not self._timeout.expired():
            self._timeout.reschedule(self._began_at + self.seconds)

    def lift(self) -> None:
        """Takes the deadline away: the final dot is about to be sent."""
        self._is_lifted = True
        if not self._timeout.expired():
            self._timeout.reschedule(None)

    def restore(self) -> None:
        """Begins a new deadline: the next host is tried, or the next transaction begins."""
        self._is_lifted = False
        self._began_at = asyncio.get_running_loop().time()
        self.limit(self._limit_s)


class Deadlines:
    """The deadlines of all attempts that run."""

    def __init__(self, attempt_s: float = ATTEMPT_S, pressed_s: float = PRESSED_S) -> None:
        self._attempt_s = attempt_s
        self._pressed_s = pressed_s
        self._is_pressed = False
        self._running: set[Deadline] = set()

    def of(self, size: int) -> Deadline:
        """The deadline for an attempt to send a message of `size` bytes."""
        return Deadline(self._running, self._limit_s, size / SLOWEST)

    def press(self, *, pressed: bool) -> None:
        """Shortens all deadlines while other mail waits for a slot, and gives the time back after that."""
        if pressed is not self._is_pressed:
            self._is_pressed = pressed
            for deadline in self._running:
                deadline.limit(self._limit_s)

    @property
    def _limit_s(self) -> float:
        return self._pressed_s if self._is_pressed else self._attempt_s

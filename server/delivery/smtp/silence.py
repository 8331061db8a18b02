"""Addresses that take connections and say nothing are remembered, so that they hold no slots.

While its host is silent, a domain costs a long wait for each message and each retry, and many domains may
share one such address. So does an address that swallows the attempts to connect.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.delivery.smtp.target import AttemptFailed, Target, Timeouts
from server.newest import Newest

# The time for which a silent address is not tried again, doubled with each further try up to a limit.
FIRST_S = 300.0
_LONGEST_S = 3600.0
# The time in which one connection finds out if the address speaks again. Meanwhile others leave it alone.
_PROBE_S = 60.0
_MAX_REMEMBERED = 10_000


@dataclass(slots=True)
class _Silent:
    until: float
    pause_s: float


class Silence:
    """The addresses that were silent lately, at most 10,000."""

    def __init__(self, first_s: float = FIRST_S) -> None:
        self._first_s = first_s
        self._loop = asyncio.get_running_loop()
        self._silent: Newest[tuple[str, int], _Silent] = Newest(_MAX_REMEMBERED)
        # When addresses spoke last.
        self._spoke: Newest[tuple[str, int], float] = Newest(_MAX_REMEMBERED)

    def wait_s(self, target: Target) -> float:
        """The seconds for which the address is to be left alone; 0 if it may be tried now.

        When its time has passed, the first caller tries it, and others wait for the result.
        """
        known = self._silent.get(_key(target))
        if known is None:
            return 0.0
        now = self._loop.time()
        if known.until > now:
            return known.until - now
        known.until = now + _PROBE_S
        return 0.0

    @contextmanager
    def watching(self, target: Target, timeouts: Timeouts) -> Iterator[None]:
        """Around the opening of a session: learns from its success, or from `AttemptFailed`."""
        began = self._loop.time()
        try:
            yield
        except AttemptFailed as failed:
            if failed.outcome.code:
                self._note_reply(target)
            else:
                self._note_silence(target, began, timeouts)
            raise
        except asyncio.CancelledError:
            self._note_silence(target, began, timeouts)
            raise
        self._note_reply(target)

    def _note_reply(self, target: Target) -> None:
        key = _key(target)
        self._silent.pop(key, None)
        self._spoke.keep(key, self._loop.time())

    def _note_silence(self, target: Target, began: float, timeouts: Timeouts) -> None:
        key, now = _key(target), self._loop.time()
        # A connection that is refused or closed costs no time. An address that speaks on other connections
        # is busy, and not silent.
        if now - began < min(timeouts.connect, timeouts.greeting) or self._spoke.get(key, -1.0) >= began:
            return
        known = self._silent.get(key)
        if known is not None and known.until - now > _PROBE_S:
            return  # a connection that began before the one that was noted
        pause_s = self._first_s if known is None else min(_LONGEST_S, 2 * known.pause_s)
        self._silent.keep(key, _Silent(now + pause_s, pause_s))


def _key(target: Target) -> tuple[str, int]:
    return target.address, target.port

"""The calls of one address that sign people in, counted in a time (contract row C-47).

Edges count the requests of their own clients by the same setting; here are the callers that need no edge.
"""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

from server.environment import Rate
from server.wire.address import Address
from server.wire.faults import TooManyRequests

# Bits of an IPv6 address that name a caller: of the others a single host has as many as it likes.
_IPV6_PREFIX = 64
# Callers counted one by one in a window; later ones share `_SHARED` counts, so that they take bounded memory.
_CALLERS, _SHARED = 100_000, 1024


class SignInLimit:
    """Counts calls in windows that begin for all callers at once, in this process only."""

    def __init__(self, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._rate = rate
        self._now = now
        self._ends = float("-inf")
        self._counts: dict[str | int, int] = {}

    def count(self, address: Address | None) -> None:
        """Counts a call; those of unknown addresses are one caller's. Raises `TooManyRequests`."""
        now = self._now()
        if now >= self._ends:
            self._counts.clear()
            self._ends = now + self._rate.window_s
        key: str | int = _network(address)
        if key not in self._counts and len(self._counts) >= _CALLERS:
            key = hash(key) % _SHARED
        made = self._counts[key] = self._counts.get(key, 0) + 1
        if made > self._rate.most:
            raise TooManyRequests(self._rate.most, self._ends - now)


def _network(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)

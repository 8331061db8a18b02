"""Limits of requests, and the requests that each client has made (Z-46, C-47)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from limits import RateLimitItem

# Clients counted one by one in a window; later ones share `SHARED` counts, so that many addresses take
# bounded memory.
CLIENTS = 100_000
SHARED = 1024


class Rate(NamedTuple):
    """A limit, what is left of it, and the whole seconds until it is full again."""

    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The RateLimit headers of an answer (F-9)."""
        return (
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % max(self.remaining, 0)),
            (b"ratelimit-reset", b"%d" % self.reset_s),
        )


class RateLimiter:
    """Counts requests in windows that begin for all clients at once.

    In this process only: with several edges the limit applies at each. The storage that the library `limits`
    has for this starts a thread every 10 ms and keeps a lock for each client.
    """

    def __init__(self, limit: RateLimitItem, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._limit = limit.amount
        self._window_s = limit.get_expiry()
        self._now = now
        self._began = -math.inf
        self._counts: dict[str | int, int] = {}

    def count(self, client: str) -> Rate:
        """Counts one request; `remaining` is below zero when it is one too many."""
        now = self._now()
        if now - self._began >= self._window_s:
            self._counts.clear()
            self._began = now
        key: str | int = client
        if key not in self._counts and len(self._counts) >= CLIENTS:
            key = hash(client) % SHARED
        made = self._counts[key] = self._counts.get(key, 0) + 1
        return Rate(self._limit, self._limit - made, math.ceil(self._window_s - (now - self._began)))

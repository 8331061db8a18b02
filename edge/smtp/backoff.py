"""Failed authentications: each one of many makes the next wait longer, for an address and for a key."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from limits import RateLimitItem

from edge.recent import Recent

# Seconds of the first pause, which doubles with each failure, and of the longest one.
FIRST_S = 2.0
LONGEST_S = 300.0
# Addresses, keys, and pairs that succeeded, which are remembered; the oldest go first.
SIZE = 50_000
# Seconds for which a key that was accepted from an address is let through although others fail from there.
GOOD_S = 3600.0


class _Failures(NamedTuple):
    times: int
    last: float


class Backoff:
    """Pauses after failed authentications.

    An address is an IPv6 /64, or an IPv4 address. A key that was accepted from it lately is not held up by
    others' failures from there: they may be behind one NAT. Keys are remembered by their hashes.
    """

    def __init__(self, limit: RateLimitItem | None, now: Callable[[], float] = time.monotonic) -> None:
        """`limit` are the failures that bring no pause, in a time after which they are forgotten; None for no
        pauses at all. `now` is in seconds."""
        self._free = 0 if limit is None else limit.amount
        self._forgotten_s = 0.0 if limit is None else max(limit.get_expiry(), LONGEST_S)
        self._is_on = limit is not None
        self._now = now
        self._failed: OrderedDict[str, _Failures] = OrderedDict()
        self._good = Recent(SIZE, GOOD_S, now)

    def pause_s(self, network: str, credential: str) -> float:
        """Seconds until this credential may be tried from this network; zero for now."""
        if not self._is_on:
            return 0.0
        key = _hash(credential)
        if key and f"{network} {key}" in self._good:
            return 0.0
        return max(self._left_s(network), self._left_s(key))

    def failed(self, network: str, credential: str) -> None:
        """The credential was refused."""
        if not self._is_on:
            return
        now = self._now()
        for name in (network, _hash(credential)):
            if not name:
                continue
            before = self._failed.pop(name, None)
            count = 0 if before is None or now - before.last > self._forgotten_s else before.times
            self._failed[name] = _Failures(count + 1, now)
            if len(self._failed) > SIZE:
                self._failed.popitem(last=False)

    def succeeded(self, network: str, credential: str) -> None:
        """The credential was accepted."""
        key = _hash(credential)
        self._good.add(f"{network} {key}")
        self._failed.pop(key, None)

    def _left_s(self, name: str) -> float:
        failures = self._failed.get(name)
        if failures is None or failures.times < self._free:
            return 0.0
        pause = min(FIRST_S * math.exp2(min(failures.times - self._free, 30)), LONGEST_S)
        return max(failures.last + pause - self._now(), 0.0)


def _hash(credential: str) -> str:
    """The name under which a credential is remembered; empty for none."""
    return sha256(credential.encode()).hexdigest() if credential else ""

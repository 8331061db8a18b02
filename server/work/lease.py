"""Leases on rows of a queue, kept alive by a heartbeat and known to be lost when it fails.

A row is claimed by writing an owner, a token one higher than before, and an end into it. Whoever wants to
record a result names the token: if another took the row over meanwhile, no row matches (fencing).
"""

import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable
from typing import Generic, TypeVar

from server.work.loop import Loop

K = TypeVar("K", bound=Hashable)


class Leases(Generic[K]):
    """The rows that this process holds; `K` names a row and its token.

    `renew` is given the keys of all rows held, extends them in the store by `lease_s` seconds and returns
    those that still carried their token. It is called every third of the lease, so that two failures in a
    row do not lose it. How long a lease lasts is judged by this machine's monotonic clock, from before the
    store was asked: a process that was stopped for minutes knows on waking that its leases are gone.
    """

    def __init__(
        self,
        name: str,
        renew: Callable[[list[K]], Awaitable[Collection[K]]],
        lease_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renew = renew
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._until: dict[K, float] = {}
        self._loop = Loop(name, self.beat, pause_s=lease_s / 3)

    def start(self) -> None:
        """Begins to renew."""
        self._loop.start()

    async def stop(self) -> None:
        """Ends the renewals; what is still held runs out."""
        await self._loop.stop()

    def now(self) -> float:
        """The moment to note before claiming, and to pass to `hold` after it."""
        return self._monotonic()

    def hold(self, keys: Iterable[K], claimed_at: float) -> None:
        """Adds newly claimed rows; `claimed_at` is the value of `now()` before the claim."""
        until = claimed_at + self._lease_s
        self._until.update((key, until) for key in keys)

    def drop(self, keys: Iterable[K]) -> None:
        """Removes rows whose result was recorded, or which were released."""
        for key in keys:
            self._until.pop(key, None)

    def holds(self, key: K) -> bool:
        """True if the lease on the row has not run out; to be checked before a step that cannot be undone."""
        return self._until.get(key, 0.0) > self._monotonic()

    def __contains__(self, key: object) -> bool:
        """True if the row was claimed and neither settled nor released, also if its lease has run out."""
        return key in self._until

    def __len__(self) -> int:
        return len(self._until)

    async def beat(self) -> bool:
        """Renews all leases, and removes the rows whose lease was lost."""
        keys = list(self._until)
        if keys:
            until = self._monotonic() + self._lease_s
            kept = set(await self._renew(keys))
            for key in keys:
                if key not in self._until:
                    continue  # settled while the store was asked
                if key in kept:
                    self._until[key] = until
                else:
                    del self._until[key]
        return False

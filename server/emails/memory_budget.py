"""A memory budget that callers take parts of, and wait for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryBudget:
    """At most `size` bytes in all and `size_of_one` for one owner; a caller waits up to `wait_s` seconds."""

    def __init__(self, size: int, size_of_one: int, wait_s: float) -> None:
        self._size = size
        self._size_of_one = size_of_one
        self._wait_s = wait_s
        self._taken: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def taken(self, owner: str, size: int) -> AsyncIterator[bool]:
        """Takes `size` bytes for an owner; False if they were not free in time."""
        if not await self._take(owner, size):
            yield False
            return
        try:
            yield True
        finally:
            self._taken[owner] -= size
            if not self._taken[owner]:
                del self._taken[owner]
            self._freed.set()

    async def _take(self, owner: str, size: int) -> bool:
        try:
            async with asyncio.timeout(self._wait_s):
                while not self._fits(owner, size):
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            return False
        self._taken[owner] += size
        return True

    def _fits(self, owner: str, size: int) -> bool:
        return self._taken.total() + size <= self._size and self._taken[owner] + size <= self._size_of_one

"""Reads of the store that many tasks need at the same time, gathered into one."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Reads keys, one read at a time: those asked for while one runs are read together by the next."""

    def __init__(self, name: str, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._name = name
        self._read = read
        self._asked: set[K] = set()
        self._next: asyncio.Task[Mapping[K, V]] | None = None
        self._turn = asyncio.Lock()

    async def of(self, keys: Collection[K]) -> Mapping[K, V]:
        """The values of the keys, with those of others among them. Raises what `read` raises."""
        self._asked.update(keys)
        if self._next is None:
            self._next = asyncio.create_task(self._read_next(), name=self._name)
        # Shielded: a task that is cancelled must not end the read of the others.
        return await asyncio.shield(self._next)

    async def _read_next(self) -> Mapping[K, V]:
        async with self._turn:
            asked, self._asked, self._next = self._asked, set(), None
            return await self._read(asked)

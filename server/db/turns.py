"""Turns: a number of things at once for each of many owners, who wait for themselves alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """At most `most` turns at once for each owner; the others wait in order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._gates: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def of(self, owner: str) -> AsyncIterator[None]:
        """A turn of the owner, for the time of the block."""
        gate, users = self._gates.get(owner) or (asyncio.Semaphore(self._most), 0)
        self._gates[owner] = gate, users + 1
        try:
            async with gate:
                yield
        finally:
            gate, users = self._gates[owner]
            if users == 1:
                del self._gates[owner]
            else:
                self._gates[owner] = gate, users - 1

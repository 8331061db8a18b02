"""The memory of large messages on their way to the server: each waits its turn on disk."""

from __future__ import annotations

import asyncio
from collections import deque


class Budget:
    """Bytes that messages in memory may have together; each waits its turn, a larger one for all."""

    def __init__(self, most: int) -> None:
        """`most` is in bytes."""
        self._most = most
        self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        """Waits until there is room for `size` bytes."""
        size = min(size, self._most)
        if not self._waiting and size <= self._left:
            self._left -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(size)
            raise

    def give_back(self, size: int) -> None:
        """Makes room again."""
        self._left += min(size, self._most)
        while self._waiting:
            size, turn = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
            elif size <= self._left:
                self._waiting.popleft()
                self._left -= size
                turn.set_result(None)
            else:
                return

"""Answers that clients have not read yet, in memory until then: bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# Bytes of all answers that wait for slow readers.
ANSWERS_BYTES = 64 << 20
# Bytes that a client has to read in each second, about.
LEAST_PACE = 64 << 10


class UnreadAnswers:
    """The connections whose clients do not read as fast as they are answered, those that wait longest first.

    While they hold more than `most` bytes together, the first of them is given up.
    """

    def __init__(self, most: int = ANSWERS_BYTES) -> None:
        self._most = most
        self._waiting: dict[asyncio.Transport, int] = {}
        self.bytes = 0

    def add(self, transport: asyncio.Transport) -> None:
        """Counts the bytes that a connection holds; gives up those that wait longest if they are too many."""
        self.remove(transport)
        size = transport.get_write_buffer_size()
        self._waiting[transport] = size
        self.bytes += size
        while self.bytes > self._most:
            first = next(iter(self._waiting))
            self.remove(first)
            first.abort()

    def remove(self, transport: asyncio.Transport) -> None:
        """A connection's client has caught up, or is gone."""
        self.bytes -= self._waiting.pop(transport, 0)


class Writing:
    """The writing side of one connection: its answers must be read in time."""

    def __init__(self, transport: asyncio.Transport, unread: UnreadAnswers, deadline_s: float) -> None:
        """`deadline_s` seconds are free, and then the client has to keep `LEAST_PACE`."""
        self._transport = transport
        self._unread = unread
        self._deadline_s = deadline_s
        self._timer: asyncio.TimerHandle | None = None

    def pause(self, call_later: Callable[..., asyncio.TimerHandle]) -> None:
        """The client does not keep up."""
        if self._timer is None:
            seconds = self._deadline_s + self._transport.get_write_buffer_size() / LEAST_PACE
            self._timer = call_later(seconds, self._transport.abort)
        self._unread.add(self._transport)

    def resume(self) -> None:
        """The client has caught up, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unread.remove(self._transport)

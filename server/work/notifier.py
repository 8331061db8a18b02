"""Hints between tasks of one process that something was committed."""

import asyncio
import contextlib
from collections.abc import Callable


class Notifier:
    """Calls its subscribers and wakes the tasks that wait for it.

    It is only a hint: those who depend on it also poll, as another process may have committed the work.
    """

    def __init__(self) -> None:
        self._notified = asyncio.Event()
        self._subscribers: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Calls `callback` at each notification; it must return at once and raise nothing."""
        self._subscribers.append(callback)

    def notify(self) -> None:
        """Wakes the tasks that wait now, and calls the subscribers."""
        self._notified.set()
        self._notified = asyncio.Event()
        for callback in self._subscribers:
            callback()

    async def wait(self, timeout_s: float) -> None:
        """Returns at the next notification, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._notified.wait()

"""A hint between tasks of one process that something was committed."""

import asyncio
import contextlib


class Bell:
    """Wakes all tasks that wait for it. It is only a hint: they also poll, at a longer interval."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes the tasks that wait now."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Returns at the next ring, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()

"""A hint between tasks of one process: something was committed that others wait for."""

import asyncio
import contextlib


class Bell:
    """Wakes everybody who waits for it. It is only a hint: whoever waits also looks by itself in time."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes those who wait now."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Returns at the next ring, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()

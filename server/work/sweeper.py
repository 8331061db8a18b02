"""Deleting rows after their time, now and then, a bounded number in one transaction."""

from collections.abc import Awaitable, Callable

from server.work.loop import Loop

PAUSE_S = 600.0


class Sweeper:
    """Repeats a step that deletes some rows and returns True if more may be left; else pauses."""

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], *, pause_s: float = PAUSE_S) -> None:
        self._loop = Loop(name, step, pause_s=pause_s)

    async def start(self) -> None:
        """Begins to sweep."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the step in progress."""
        await self._loop.stop()

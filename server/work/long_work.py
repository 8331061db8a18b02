"""Computation that takes long, beside the event loop."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from server.turns import Turns

R = TypeVar("R")


class LongWork:
    """Computes in one thread; owners take turns.

    Python runs one thread at a time: more of them would compute no more, and each would be one more that the
    event loop and the writer have to wait for.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "long-work")
        self._turns = Turns(1)

    async def run(self, owner: str, work: Callable[[], R]) -> R:
        """The result of `work`. Raises what it raises."""
        async with self._turns.of(owner):
            # The contents of large requests are a variable of the context.
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._thread, context.run, work)

    def close(self) -> None:
        """Ends the thread, after the work that it does."""
        self._thread.shutdown()

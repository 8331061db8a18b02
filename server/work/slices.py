"""Long work on the event loop, cut into slices: other calls go on between them."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# The longest time that the work holds up others at once, in seconds, but for a single item.
SLICE_S = 0.005

T = TypeVar("T")
R = TypeVar("R")


class Slices:
    """Does the work of many callers: short work at once, the rest of long work one caller's at a time.

    After each slice of long work the others have as much time as it took.
    """

    def __init__(self, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._monotonic = monotonic
        self._turn = asyncio.Lock()

    async def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The results of the items, in order. Raises what `work` raises."""
        results: list[R] = []
        left = iter(items)
        worked_s = self._slice(work, left, results)
        if worked_s is None:
            return results
        async with self._turn:
            while worked_s is not None:
                await asyncio.sleep(worked_s)
                worked_s = self._slice(work, left, results)
        return results

    def _slice(self, work: Callable[[T], R], left: Iterator[T], results: list[R]) -> float | None:
        """Does items for the time of a slice; returns the seconds it took, None after the last item."""
        began = self._monotonic()
        for item in left:
            results.append(work(item))
            worked_s = self._monotonic() - began
            if worked_s > SLICE_S:
                return worked_s
        return None

"""Long work leaves time to others."""

import asyncio
import time

from server.work.slices import SLICE_S, Slices


def work(number: int) -> int:
    """Takes a fifth of a slice."""
    end = time.perf_counter() + SLICE_S / 5
    while time.perf_counter() < end:
        pass
    return -number


async def test_results_keep_their_order() -> None:
    assert await Slices().map(work, range(30)) == [-number for number in range(30)]


async def test_others_go_on_between_the_slices() -> None:
    slices = Slices()
    working = asyncio.gather(*(slices.map(work, range(40)) for _ in range(3)))
    turns = 0
    while not working.done():
        await asyncio.sleep(0)
        turns += 1
    # 120 items in slices of 5 or a little more, and many turns in the pause behind each.
    assert turns > 100


async def test_short_work_passes_while_long_work_waits() -> None:
    slices = Slices()
    long = asyncio.ensure_future(slices.map(work, range(100)))
    assert await slices.map(work, [1]) == [-1]
    assert not long.done()
    await long

"""Loops continue after a failed step, wake on a notification, and stop between two steps."""

import asyncio

import structlog

from server.faults import Unavailable
from server.work.loop import Loop
from tests.harness.waiting import until


async def test_a_woken_loop_does_not_wait_for_its_poll() -> None:
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    loop = Loop("test", step, pause_s=3600)
    loop.start()
    await until(lambda: steps == 1)
    loop.wake()
    await until(lambda: steps == 2)
    await loop.stop()


async def test_work_that_arrives_during_a_step_is_not_overlooked() -> None:
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        if steps == 1:
            loop.wake()
        return False

    loop = Loop("test", step, pause_s=3600)
    loop.start()
    await until(lambda: steps == 2)
    await loop.stop()


async def test_a_step_with_more_to_do_is_repeated_without_a_pause() -> None:
    left = 50

    async def step() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    loop = Loop("test", step, pause_s=3600)
    loop.start()
    await until(lambda: left == 0)
    await loop.stop()


async def test_a_failing_step_is_repeated() -> None:
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise RuntimeError("the first step fails")
        return False

    loop = Loop("test", step, pause_s=3600)
    loop.start()
    await until(lambda: steps == 2)
    await loop.stop()


async def test_stop_lets_the_step_in_progress_end_and_begins_no_other() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended = 0

    async def step() -> bool:
        nonlocal ended
        begun.set()
        await go_on.wait()
        ended += 1
        return True

    loop = Loop("test", step)
    loop.start()
    await begun.wait()
    stopping = asyncio.create_task(loop.stop())
    await until(lambda: loop.stopping)
    go_on.set()
    await stopping
    assert ended == 1


async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends() -> None:
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        if steps <= 3:
            raise Unavailable(1.0)
        return False

    loop = Loop("test", step, pause_s=3600)
    with structlog.testing.capture_logs() as logs:
        loop.start()
        await until(lambda: len(logs) == 2)
        await loop.stop()
    assert [(line["log_level"], line["loop"]) for line in logs] == [("warning", "test"), ("info", "test")]
    assert not any("exc_info" in line for line in logs)

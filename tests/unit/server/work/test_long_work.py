"""Long work runs in one thread, and owners take turns."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from server.work.long_work import LongWork


async def test_the_event_loop_goes_on_beside_the_work() -> None:
    work, released = LongWork(), threading.Event()
    running = asyncio.ensure_future(work.run("a", released.wait))
    await asyncio.sleep(0)
    released.set()
    assert await running
    work.close()


async def test_one_at_a_time_and_owners_in_turn() -> None:
    work, released, order = LongWork(), threading.Event(), list[str]()

    def job(name: str) -> Callable[[], None]:
        def run() -> None:
            released.wait()
            order.append(name)

        return run

    names = ["a1", "a2", "a3", "b1", "c1"]
    running = [asyncio.ensure_future(work.run(name[0], job(name))) for name in names]
    await asyncio.sleep(0)
    released.set()
    await asyncio.gather(*running)
    assert order == ["a1", "a2", "b1", "c1", "a3"]
    work.close()


async def test_an_error_is_that_of_its_caller_alone() -> None:
    work = LongWork()

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work.run("a", fail)
    assert await work.run("a", lambda: 1) == 1
    work.close()


async def test_the_work_sees_the_variables_of_its_caller() -> None:
    work, request = LongWork(), ContextVar[str]("request")
    request.set("the caller's")
    assert await work.run("a", request.get) == "the caller's"
    work.close()

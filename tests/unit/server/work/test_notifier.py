"""A notification wakes every waiting task, and every wait has a timeout."""

import asyncio

from server.work.notifier import Notifier


async def test_a_notification_wakes_all_tasks_that_wait() -> None:
    notifier = Notifier()
    waiting = [asyncio.create_task(notifier.wait(3600)) for _ in range(3)]
    await asyncio.sleep(0)
    notifier.notify()
    done, _ = await asyncio.wait(waiting, timeout=30)
    assert done == set(waiting)


async def test_a_notification_calls_each_subscriber() -> None:
    notifier, calls = Notifier(), list[str]()
    notifier.subscribe(lambda: calls.append("first"))
    notifier.subscribe(lambda: calls.append("second"))
    notifier.notify()
    notifier.notify()
    assert calls == ["first", "second", "first", "second"]


async def test_an_earlier_notification_does_not_end_a_later_wait() -> None:
    notifier = Notifier()
    notifier.notify()
    waiting = asyncio.create_task(notifier.wait(3600))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_wait_ends_at_its_timeout() -> None:
    waiting = asyncio.create_task(Notifier().wait(0.001))
    done, _ = await asyncio.wait([waiting], timeout=30)
    assert done == {waiting}

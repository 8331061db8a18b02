"""Waiting for a condition instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, overload

T = TypeVar("T")
Message: TypeAlias = str | Callable[[], str]

FIRST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.1
# Only a failing test waits so long: others may leave the machine little.
WITHIN_S = 60.0
DAY_S = 86_400


@overload
async def until(
    condition: Callable[[], Awaitable[T | None]], *, within: float = ..., message: Message = ...
) -> T: ...
@overload
async def until(condition: Callable[[], T | None], *, within: float = ..., message: Message = ...) -> T: ...
async def until(
    condition: Callable[[], Any],
    *,
    within: float = WITHIN_S,
    message: Message = "the condition never held",
) -> Any:
    """Polls `condition`, plain or async, until it is truthy, and returns its value.

    `within` is in seconds. Raises AssertionError with `message` (called if it is a function) when the time
    is over. An exception of the condition is not caught.
    """
    deadline = time.monotonic() + within
    pause = FIRST_PAUSE_S
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{message() if callable(message) else message} (waited {within} s)")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


def until_sync(condition: Callable[[], T], *, within: float = WITHIN_S, message: str = "it never held") -> T:
    """`until` for code that runs without an event loop."""
    deadline = time.monotonic() + within
    pause = FIRST_PAUSE_S
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"{message} (waited {within} s)")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)
    return value


def until_the_day_is_long(seconds: float = 30.0) -> None:
    """Returns when midnight (UTC), where what was used in a day begins anew, is at least so far away."""
    until_sync(lambda: time.time() % DAY_S < DAY_S - seconds, within=2 * seconds)

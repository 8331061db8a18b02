"""A deadline for the rest of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from edge.presence import Presence
from edge.transcoding.body import ClientGone
from edge.transcoding.invoke import Caller

# Bytes of a large body that a client has to send in each second, about.
LEAST_PACE = 1 << 20


class Deadline:
    """Cancels what runs inside when the time comes, and raises TimeoutError then; or when the client leaves,
    and raises ClientGone.

    `asyncio.timeout_at` without its states and coroutines: a third of its cost, which each request pays.
    """

    __slots__ = ("_is_gone", "_is_over", "_presence", "_task", "_timer", "_when")

    def __init__(self, when: float, presence: Presence | None = None) -> None:
        """`when` is on the event loop's clock, in seconds."""
        self._when = when
        self._presence = presence
        self._is_over = self._is_gone = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        self._timer = loop.call_at(self._when, self._expire)
        if self._presence is not None:
            self._presence.watch(self._leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._presence is not None:
            self._presence.watch(None)
        # Cancelled by the deadline alone: whoever else cancels the task still means it.
        if (self._is_over or self._is_gone) and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise (ClientGone if self._is_gone else TimeoutError) from error

    def extend(self, when: float) -> None:
        """Moves the time, to a later one only."""
        self._when = max(self._when, when)

    def _leave(self) -> None:
        if not self._is_over:
            self._is_gone = True
            self._task.cancel()

    def _expire(self) -> None:
        if self._is_gone:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._when:
            self._timer = loop.call_at(self._when, self._expire)
            return
        self._is_over = True
        self._task.cancel()


class Paced:
    """Extends the deadline of a large body by what has come of it, not by what was announced: a client that
    dribbles gets no more time for the size of its body."""

    __slots__ = ("_begun", "_caller", "_deadline", "_hold", "_size")

    def __init__(self, deadline: Deadline, caller: Caller, hold: Callable[[int], None]) -> None:
        """`hold` gets what `whole` and `part` get."""
        self._deadline = deadline
        self._caller = caller
        self._begun = caller.deadline
        self._hold = hold
        self._size = 0

    def whole(self, size: int) -> None:
        """Of the body, `size` bytes have come."""
        self._hold(size)
        self._extend(size)

    def part(self, size: int) -> None:
        """Another `size` bytes have come, and the ones before are gone."""
        self._hold(size)
        self._extend(self._size + size)

    def _extend(self, size: int) -> None:
        self._size = size
        self._caller.deadline = self._begun + size / LEAST_PACE
        self._deadline.extend(self._caller.deadline)

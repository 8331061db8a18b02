"""The client of a request, as long as it waits for the answer."""

from __future__ import annotations

from collections.abc import Callable


class Presence:
    """The client of one connection: calls whoever works for it when it leaves."""

    __slots__ = ("_leave",)

    def __init__(self) -> None:
        self._leave: Callable[[], None] | None = None

    def watch(self, leave: Callable[[], None] | None) -> None:
        """Calls `leave` when the client leaves, and nothing any more for None."""
        self._leave = leave

    def left(self) -> None:
        """The client has closed its connection."""
        if self._leave is not None:
            self._leave()

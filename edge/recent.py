"""A set that forgets: bounded in size and in time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Recent:
    """Texts that were added in the last `seconds`, the newest `size` of them."""

    def __init__(self, size: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._size = size
        self._seconds = seconds
        self._now = now
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, text: str) -> bool:
        until = self._until.get(text)
        if until is None:
            return False
        if until > self._now():
            return True
        del self._until[text]
        return False

    def add(self, text: str) -> None:
        """Adds a text, or renews it."""
        self._until[text] = self._now() + self._seconds
        self._until.move_to_end(text)
        if len(self._until) > self._size:
            self._until.popitem(last=False)

"""Requests and bytes of bodies under way, counted once for the whole process."""

from __future__ import annotations

from edge.transcoding.status import Failure

# Seconds after which a request that was shed may be repeated.
_RETRY_AFTER_S = 1


class Capacity:
    """The most that all endpoints together have under way. What is more is answered 503 at once, before all
    of it would time out or the process ran out of memory."""

    def __init__(self, requests: int, body_bytes: int) -> None:
        self._most_requests = requests
        self._most_bytes = body_bytes
        self.requests = 0
        self.body_bytes = 0

    def check_requests(self) -> None:
        """Raises Failure (UNAVAILABLE) if more requests are under way than may be."""
        if self.requests > self._most_requests:
            raise Failure("UNAVAILABLE", retry_after_s=_RETRY_AFTER_S)

    def take(self, size: int) -> None:
        """Counts more bytes of a body. Raises Failure (UNAVAILABLE) if they do not fit; then none count."""
        if size > self._most_bytes - self.body_bytes:
            raise Failure("UNAVAILABLE", retry_after_s=_RETRY_AFTER_S)
        self.body_bytes += size


class BodyShare:
    """The share of one body in the capacity, from its first byte until `release`."""

    __slots__ = ("_capacity", "_size")

    def __init__(self, capacity: Capacity, size: int) -> None:
        """`size` is in bytes. Raises Failure (UNAVAILABLE)."""
        capacity.take(size)
        self._capacity = capacity
        self._size = size

    def grow(self, size: int) -> None:
        """The body takes at least `size` bytes. Raises Failure (UNAVAILABLE)."""
        if size > self._size:
            self._capacity.take(size - self._size)
            self._size = size

    def release(self) -> None:
        """The body is gone."""
        self._capacity.body_bytes -= self._size
        self._size = 0

"""Memory that large requests used goes back to the system, where the C library is glibc."""

import asyncio
import ctypes
import os
from pathlib import Path

from server.work.loop import Loop

# glibc's malloc.h; a block of more bytes is a mapping of its own.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BLOCK = 256 * 1024
# Free bytes at the end of the heap that are kept: to give them back and take them again costs each call.
_KEPT = 16 << 20
# Bytes above the least memory so far for which it looks for free ones, and those that were worth it.
_MUCH, _WORTH = 64 << 20, 16 << 20
PAUSE_S = 3.0
# Steps without a look after looks that found little: one, three, and so on.
_MOST_SKIPPED = 7


class MemoryReturn:
    """Large blocks go back as they are freed, and every few seconds what is free between others in use."""

    def __init__(self, *, pause_s: float = PAUSE_S) -> None:
        self._library = ctypes.CDLL(None)
        self._loop = Loop("memory", self._step, pause_s=pause_s)
        self._least = self._skipped = self._to_skip = 0

    async def start(self) -> None:
        """Begins to give memory back.

        By default glibc keeps large blocks after the first one, so that one large request would be paid for
        ever.
        """
        if hasattr(self._library, "malloc_trim"):
            self._library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
            self._library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
            self._library.mallopt(_M_ARENA_MAX, 2)
            self._least = resident()
            self._loop.start()

    async def stop(self) -> None:
        """Finishes the step in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        before = resident()
        if before < self._least + _MUCH:
            self._to_skip = 0
            return False
        if self._skipped < self._to_skip:
            self._skipped += 1
            return False
        # Foreign functions run without the lock of the interpreter.
        await asyncio.to_thread(self._library.malloc_trim, _KEPT)
        after = resident()
        self._least = min(self._least, after)
        self._skipped = 0
        self._to_skip = 0 if before - after >= _WORTH else min(2 * self._to_skip + 1, _MOST_SKIPPED)
        return False


def resident() -> int:
    """The bytes of memory that this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

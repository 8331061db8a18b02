"""Settings of the process itself, the same for the edge and the relay."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# Files that a process creates are its owner's alone (contract row C-89).
PRIVATE_UMASK = 0o077
# New objects after which cycles are collected.
_COLLECTED_AT = 20_000
# glibc's malloc.h; a block of more bytes is a mapping of its own.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BLOCK = 256 * 1024
# Free bytes at the end of the heap that are kept: to give them back and take them again costs each request.
_KEPT = 16 << 20


def manage_memory() -> None:
    """Sets when the process looks for cycles, and when it gives memory back; to be called once it is built.

    Objects that exist by now stay, and those of a request mostly go by themselves: looking for cycles as
    often as Python does by default took 10 % of the time under load.
    """
    gc.freeze()
    _return_memory()
    gc.set_threshold(_COLLECTED_AT)


def _return_memory() -> None:
    """Lets large blocks go back to the system as they are freed, where the C library is glibc.

    By default it keeps them after the first one, so that one large body would be paid for ever.
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)

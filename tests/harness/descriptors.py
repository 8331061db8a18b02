"""Limits on the file descriptors of this process, for a while."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited_to(count: int) -> Iterator[None]:
    """Lets this process have at most `count` descriptors at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Makes every attempt to open a file or socket fail with EMFILE."""
    free = os.open(os.devnull, os.O_RDONLY)  # the lowest free number
    os.close(free)
    with limited_to(free):
        yield


def open_now() -> int:
    """The number of descriptors that are open."""
    return len(os.listdir("/proc/self/fd"))

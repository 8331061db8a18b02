"""A disk that takes no more bytes, for a process that runs: every write beyond a size fails."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_for(pid: int, folder: Path) -> Iterator[None]:
    """While the block runs, no file of the process grows beyond what the store in `folder` has now."""
    largest = max(path.stat().st_size for path in folder.glob("zidimail.db*"))
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

"""A folder in memory for what tests write, where the machine has one with room."""

import shutil
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
MEMINFO = Path("/proc/meminfo")
# The most that a run of all tests writes, and as much for the programs beside it.
DISK_NEEDED_BYTES = 3 * 2**30
MEMORY_NEEDED_BYTES = 6 * 2**30


def memory_disk() -> Path | None:
    """The folder that Linux keeps in memory, or None if it is missing or has little room.

    A PostgreSQL database is about 500 files, and each test has one: on a disk they take most of a run's time.
    """
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
        available = _available_bytes(MEMINFO.read_text())
    except OSError:
        return None
    return SHARED_MEMORY if free >= DISK_NEEDED_BYTES and available >= MEMORY_NEEDED_BYTES else None


def _available_bytes(meminfo: str) -> int:
    """The memory that programs can still have, from /proc/meminfo, which counts in kB (proc(5))."""
    values = dict(line.split(":", 1) for line in meminfo.splitlines())
    return int(values["MemAvailable"].split()[0]) * 1024

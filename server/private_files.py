"""Files and directories that only their owner may read (contract row C-89)."""

import os
import stat
from pathlib import Path

# Of a process: what it creates is its owner's alone.
PRIVATE_UMASK = 0o077
# Names in a data directory: the program's own, and what a new file system has.
_OWN_NAMES = frozenset({"secret", "edge-secret", "captured"})
_EMPTY_NAMES = frozenset({"lost+found"})
_STORE = "zidimail.db"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_of_the_system(path: Path) -> bool:
    """True for a directory that others need: one at the top of the file system, such as `/etc`, with nothing
    of ours in it. A data directory is closed to all others."""
    place = path.resolve()
    if len(place.parts) > 2 or not place.is_dir():
        return False
    names = {entry.name for entry in place.iterdir()} - _EMPTY_NAMES
    return bool(names) and not any(name in _OWN_NAMES or name.startswith(_STORE) for name in names)


def private_directory(path: Path) -> None:
    """Makes a directory, and takes it from others if it is ours. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(path)


def make_private(path: Path) -> None:
    """Takes the permissions of others from a file or directory of ours, if there is one.

    A directory that is shared by its owner's wish, such as `/tmp`, is left as it is.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    is_shared = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_uid == os.geteuid() and status.st_mode & _OTHERS and not is_shared:
        path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)

"""The lock of an SQLite store: one process owns it, and a second one fails instead of corrupting data."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from server.private_files import make_private
from server.settings import Settings, SettingsError

# The content of the lock's file while a process holds it: one that runs until it is stopped, or not.
_SERVER, _COMMAND = b"server", b"command"
# The time that a process waits for commands, and between two tries, in seconds. The second is as good as ever
# long enough for a holder to write what it is.
_LONGEST_S = 60.0
_PAUSE_S = 0.1


@contextmanager
def owned(settings: Settings, *, serves: bool) -> Iterator[None]:
    """Holds an SQLite store, and its data directory if the process `serves`; PostgreSQL is shared by many.

    Commands end by themselves, so they are waited for, up to a minute. The locks end with the process,
    however it ends. Raises `SettingsError` if a server has the store or the directory, if commands take
    longer, and if the store's file has several names.
    """
    with ExitStack() as held:
        path = make_url(settings.database_url).database
        if settings.is_sqlite and path:
            # Each name of a file has the same lock: symbolic links lead to one real path.
            held.enter_context(_store(Path(path).resolve(), serves=serves))
        if serves:
            held.enter_context(_directory(settings))
        yield


@contextmanager
def _directory(settings: Settings) -> Iterator[None]:
    """Servers of one PostgreSQL may share a data directory; what is in it belongs to one store."""
    try:
        descriptor = os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"ZIDIMAIL_DATA_DIR: its lock cannot be opened: {error.strerror}.") from error
    try:
        if not _lock(descriptor, fcntl.LOCK_EX if settings.is_sqlite else fcntl.LOCK_SH):
            raise SettingsError(
                f"ZIDIMAIL_DATA_DIR: another server uses {settings.data_dir}. Stop it first, or name another "
                "directory: only servers of one PostgreSQL share one."
            )
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _store(path: Path, *, serves: bool) -> Iterator[None]:
    with ExitStack() as held:
        try:
            for suffix in ("", "-wal", "-shm"):
                make_private(Path(f"{path}{suffix}"))
            descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            held.callback(os.close, descriptor)
            # A bind mount gives a file another path. To close any descriptor of the file takes SQLite's own
            # locks from it, so this one is open before SQLite opens the file, and after it has closed it.
            inode = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            held.callback(os.close, inode)
        except OSError as error:
            raise SettingsError(
                f"ZIDIMAIL_DATABASE_URL: the store cannot be opened: {error.strerror}."
            ) from error
        if os.fstat(inode).st_nlink > 1:
            # The journal of SQLite goes by the name: by the other name, what a crash left in it is lost.
            raise SettingsError(
                f"ZIDIMAIL_DATABASE_URL: the store {path} has another name too (a hard link), and loses data "
                "if it is opened by both. Remove the other name, or copy the file."
            )
        _wait(descriptor, path)
        # Elsewhere this kind of lock may conflict with those of SQLite.
        if sys.platform == "linux" and not _lock(inode, fcntl.LOCK_EX):
            raise _taken(path)
        os.pwrite(descriptor, (_SERVER if serves else _COMMAND).ljust(len(_COMMAND)), 0)
        held.callback(os.ftruncate, descriptor, 0)
        yield


def _wait(descriptor: int, path: Path) -> None:
    """Locks a store when no command has it. Raises `SettingsError` if a server has, or after a minute."""
    end = time.monotonic() + _LONGEST_S
    while not _lock(descriptor, fcntl.LOCK_EX):
        time.sleep(_PAUSE_S)
        if os.pread(descriptor, len(_SERVER), 0) == _SERVER or time.monotonic() > end:
            raise _taken(path)


def _lock(descriptor: int, kind: int) -> bool:
    """Takes a lock if nobody has it; it ends when the descriptor is closed."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken(path: Path) -> SettingsError:
    return SettingsError(
        f"Another process has the store {path} open, and SQLite belongs to one at a time. "
        "Stop it first, or use PostgreSQL."
    )

"""The lock of an SQLite store: one process owns it, and a second one fails instead of corrupting data."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from server.private_files import make_private
from server.settings import SettingsError


@contextmanager
def owned(url: str) -> Iterator[None]:
    """Holds the store at `url` for this process; does nothing for PostgreSQL, which many may share.

    The lock ends with the process, however it ends. Raises `SettingsError` if another process has it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        yield
        return
    try:
        for suffix in ("", "-wal", "-shm"):
            make_private(Path(f"{parsed.database}{suffix}"))
        descriptor = os.open(f"{parsed.database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"ZIDIMAIL_DATABASE_URL: the store cannot be opened: {error.strerror}."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"Another process has the store {parsed.database} open, and SQLite belongs to one at a time. "
                "Stop it first, or use PostgreSQL."
            ) from None
        yield
    finally:
        os.close(descriptor)

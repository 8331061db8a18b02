"""Secrets that an installation generates and keeps in its data directory (contract row C-89)."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

_BYTES = 32


def kept_secret(path: Path) -> str:
    """The secret in a file, generated on first use: 64 hexadecimal digits, readable by the owner only.

    Processes that start at the same time get the same secret: the file is created atomically, by the first of
    them. It is on disk before this function returns. Raises OSError.
    """
    with suppress(FileNotFoundError):
        return _read(path)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            # Unlike a rename, a link never replaces a file that another process has created meanwhile.
            os.link(draft, path)
    finally:
        os.unlink(draft)
    _sync(path.parent)
    return _read(path)


def _read(path: Path) -> str:
    return path.read_text().strip()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

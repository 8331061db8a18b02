"""Secrets that an installation makes for itself and keeps in its data directory (contract row C-89)."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

_BYTES = 32


def kept_secret(path: Path) -> str:
    """The secret in a file, made on first use: 64 hexadecimal digits, readable by the file's owner only.

    Processes that start at once agree: the file appears whole, and the first one made counts for all. It
    survives a power cut once it was returned. Raises OSError.
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
            # Unlike a rename, a link never replaces the file that another process made meanwhile.
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

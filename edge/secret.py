"""The secret by which the server knows its edges (contract row C-91).

The twin of `server/kept_secret.py`: edges and servers share no code, only the file.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

FILE_NAME = "edge-secret"
LEAST_BYTES = 32


def kept_secret(data_dir: Path) -> str:
    """The secret in the data directory, made there on first use, readable by its owner only.

    A server and edges that start at once agree: the file appears whole, and the first one made counts for
    all. Raises OSError.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    descriptor, draft = tempfile.mkstemp(dir=data_dir, prefix=f".{FILE_NAME}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(LEAST_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            # Unlike a rename, a link never replaces the file that another process made meanwhile.
            os.link(draft, path)
    finally:
        os.unlink(draft)
    return path.read_text().strip()


def check_secret(secret: str) -> None:
    """Raises ValueError if a secret is easy to guess, or cannot travel as metadata of a call."""
    if len(secret) < LEAST_BYTES or not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError(
            "ZIDIMAIL_EDGE_SECRET (or the file edge-secret in ZIDIMAIL_DATA_DIR) must have at least "
            f"{LEAST_BYTES} printable ASCII characters and no space; `openssl rand -hex 32` prints such a one"
        )

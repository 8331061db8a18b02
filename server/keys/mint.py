"""The format of API keys: `zm_live_<id>_<secret>`, `zm_test_<id>_<secret>`, `zs_<id>_<secret>` (Z-2, C-44).

The id finds the key's row, the secret proves the possession. The store holds the plain SHA-256 of the key:
the secret has 32 random bytes, so a slow hash would protect nothing more.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

from server.ids import new_id

Style = Literal["zm", "zs", "test"]

PREFIXES: dict[Style, str] = {"zm": "zm_live_", "zs": "zs_", "test": "zm_test_"}
_SECRET_BYTES = 32
_KEY = re.compile(r"(?:zm_live|zm_test|zs)_([0-9a-f]{24})_[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key: `key` is shown to its owner once, `secret_hash` is stored."""

    id: str
    style: Style
    key: str = field(repr=False)
    secret_hash: bytes = field(repr=False)


def mint(style: Style = "zm") -> MintedKey:
    """A new key of a style."""
    id = new_id()
    key = f"{PREFIXES[style]}{id}_{secrets.token_hex(_SECRET_BYTES)}"
    return MintedKey(id, style, key, hash_of(key))


def hash_of(key: str) -> bytes:
    """The SHA-256 of a whole key: of its id and style too."""
    return hashlib.sha256(key.encode()).digest()


def id_of(key: str) -> str | None:
    """The id in a key, None if `key` has not the format of a key."""
    match = _KEY.fullmatch(key)
    return None if match is None else match[1]


def prefix_of(style: Style, id: str) -> str:
    """The part of a key that lists show: it identifies the key without its secret."""
    return f"{PREFIXES[style]}{id}"

"""Making API keys, and taking them apart again (contract rows Z-2, C-44).

A key is `zm_live_<id>_<secret>`, `zm_test_<id>_<secret>` or `zs_<id>_<secret>`: the id finds it, the
secret proves it. The secret is 32 random bytes, so its plain SHA-256 is enough at rest: a slow hash would
protect nothing and cost much.
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
    """A new key: `key` goes to its owner once, `secret_hash` to the store."""

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
    """The SHA-256 of a whole key, so that id, style and secret are proved at once."""
    return hashlib.sha256(key.encode()).digest()


def id_of(key: str) -> str | None:
    """The id within a key, None if `key` has not the form of one."""
    match = _KEY.fullmatch(key)
    return None if match is None else match[1]


def prefix_of(style: Style, id: str) -> str:
    """The beginning of a key: enough to tell keys apart, of no use to anybody else."""
    return f"{PREFIXES[style]}{id}"

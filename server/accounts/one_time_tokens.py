"""Tokens of links in mails: each works once, and only its hash is stored."""

import hashlib
import hmac
import secrets
from typing import NamedTuple

from server.ids import is_id

_SECRET_BYTES = 32
_MAX_LENGTH = 100


class OneTimeToken(NamedTuple):
    """A new token of the request `id`; `text` goes into the link, `hash` into the store."""

    text: str
    hash: bytes


class GivenToken(NamedTuple):
    """A token that a caller sent: the id of its request, and the hash of its secret."""

    id: str
    hash: bytes

    def matches(self, stored: bytes | None) -> bool:
        """True if this is the stored hash; compared in constant time."""
        return stored is not None and hmac.compare_digest(self.hash, stored)


def new_token(id: str) -> OneTimeToken:
    """A token with a secret of 256 bits for the request with this id."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return OneTimeToken(f"{id}_{secret}", _hash(secret))


def given_token(text: str) -> GivenToken | None:
    """The parts of a token as a caller sent it; None if it cannot be one."""
    id, separator, secret = text.strip().partition("_")
    if len(text) > _MAX_LENGTH or not separator or not is_id(id) or not secret.isascii():
        return None
    return GivenToken(id, _hash(secret))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

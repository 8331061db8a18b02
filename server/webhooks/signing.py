"""Signing secrets of webhooks (contract rows Z-41 and C-8)."""

import base64
from secrets import token_bytes

_PREFIX = "whsec_"
_KEY_BYTES = 24


def new_secret() -> str:
    """A signing secret: `whsec_` and 24 random bytes in base64."""
    return _PREFIX + base64.b64encode(token_bytes(_KEY_BYTES)).decode()


def key_bytes(secret: str) -> bytes:
    """The bytes that a secret encodes: the key of Standard Webhooks."""
    return base64.b64decode(secret.removeprefix(_PREFIX))

"""Encryption of secrets at rest: AES-256-GCM with a key derived from the installation's secret."""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE_BYTES = 12


def derive_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, derived from the installation's secret (RFC 5869)."""
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"zidimail/{purpose}".encode())
    return hkdf.derive(secret.encode())


class Seal:
    """Seals (encrypts and authenticates) small secrets such as webhook secrets and DKIM private keys.

    The `context`, such as `webhook:<id>`, is authenticated with the value, so that the sealed value of one
    row cannot be moved to another row.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(derive_key(secret, "seal"))

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed form of `plain`: a version byte, a nonce of 12 bytes, the ciphertext with its tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain value of `sealed`.

        Raises `cryptography.exceptions.InvalidTag` if it was sealed with another secret or for another
        context, ValueError if it is no sealed value.
        """
        if sealed[:1] != _VERSION:
            raise ValueError("not a sealed value of a known version")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return self._cipher.decrypt(nonce, ciphertext, context.encode())

"""Passwords of users: generated, and stored as argon2id hashes only."""

import asyncio
import secrets

from argon2 import PasswordHasher

_GENERATED_BYTES = 18
_hasher = PasswordHasher()


def new_password() -> str:
    """A random password of 24 characters."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


async def hash_of(password: str) -> str:
    """The argon2id hash of a password, computed in a thread because it is slow on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)

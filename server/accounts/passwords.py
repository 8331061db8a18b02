"""Passwords of people: long random ones are made, and only their argon2id hash is kept."""

import asyncio
import secrets

from argon2 import PasswordHasher

_GENERATED_BYTES = 18
_hasher = PasswordHasher()


def new_password() -> str:
    """A random password of 24 characters."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


async def hash_of(password: str) -> str:
    """The argon2id hash of a password, made in a thread: it is slow on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)

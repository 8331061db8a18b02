"""Passwords of users: generated, and stored as argon2id hashes only."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.faults import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_GENERATED_BYTES = 18
# Hashes at the same time: each takes 64 MiB and some tens of milliseconds of all cores (RFC 9106, section 4).
CONCURRENCY = 2
# More would wait longer than their callers do.
MAX_WAITING = 100
_RETRY_AFTER_S = 2.0
_hasher = PasswordHasher()


def new_password() -> str:
    """A random password of 24 characters."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


async def hash_of(password: str) -> str:
    """The argon2id hash of a password, computed in a thread because it is slow on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)


class Passwords:
    """Hashes and verifies passwords, a bounded number at the same time. A service: it holds threads."""

    def __init__(
        self,
        hasher: PasswordHasher = _hasher,
        *,
        concurrency: int = CONCURRENCY,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(concurrency, "passwords")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._nobodys = ""

    async def start(self) -> None:
        """Makes the hash that the passwords of unknown users are compared with."""
        self._nobodys = await self._run(self._hasher.hash, new_password())

    async def stop(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password. Raises `Unavailable`."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """True if the password has this hash. Without a hash the work is the same, and the answer False.

        Raises `Unavailable`.
        """
        matches = await self._run(self._matches, password_hash or self._nobodys, password)
        return matches and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """True if the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= self._max_waiting:
            raise Unavailable(_RETRY_AFTER_S)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        finally:
            self._waiting -= 1

"""argon2id with the least work that it can do, for tests of something else than that work."""

from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher

from server.accounts import passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Lets the product in this process hash so: its own hash takes a fifth of a second of a core."""
    hasher = passwords._hasher
    own = hasher._parameters
    hasher._parameters = QUICK._parameters
    try:
        yield
    finally:
        hasher._parameters = own

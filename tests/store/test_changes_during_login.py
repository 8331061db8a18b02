"""A login relies on the password and the second factor of its transaction, on both engines (C-75)."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from server.db.database import Database
from server.db.tables.accounts import sessions
from server.db.writer import Writer
from server.faults import Unavailable
from tests.harness.rows import row_count
from tests.harness.waiting import WITHIN_S, until
from tests.store.people import People

NEW = "staple battery horse"


class PausedHasher(PasswordHasher):
    """argon2id with little work, which pauses between a verification and its answer."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.has_verified = threading.Event()
        self.goes_on = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        result = super().verify(hash, password)
        self.has_verified.set()
        assert self.goes_on.wait(WITHIN_S)
        return result


async def test_login_whose_password_was_reset_meanwhile_opens_no_session(
    database: Database, writer: Writer
) -> None:
    """The reset ends all sessions: one that begins with the old password would outlive it."""
    hasher = PausedHasher()
    people = People(database, writer, hasher=hasher)
    await people.start()
    await people.add()
    token = await people.request_reset()
    login = asyncio.create_task(people.login())
    await until(hasher.has_verified.is_set)
    await people.registration.reset(token, NEW)
    hasher.goes_on.set()
    with pytest.raises(Unavailable):
        await login
    assert await row_count(database, sessions) == 0
    await people.login(password=NEW)
    await people.stop()

"""A session ends with its row, with its member and at its time, on both engines (contract row C-75)."""

import pytest
from sqlalchemy import Table, delete, select

from server.accounts import session_store, store
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import CACHE_MS, Sessions
from server.db.database import Database
from server.db.tables.accounts import members, sessions
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from tests.harness.clock import ManualClock
from tests.harness.rows import own_values

HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class Users:
    """Users of one organisation, and what recognises their sessions."""

    def __init__(self, database: Database, writer: Writer, clock: ManualClock) -> None:
        self.clock = clock
        self.writer = writer
        self.tokens = SessionTokens("s" * 32, clock)
        self.sessions = Sessions(self.tokens, database, clock)
        self.org_id = new_id()

    async def sign_in(self, user_id: str | None = None) -> tuple[str, str]:
        """The ids of a user, new by default, and the token of a new session."""
        session_id, now = new_id(), self.clock.now_ms()
        if user_id is None:
            user_id = new_id()
            await self.writer.run(store.add_user, user_id, f"{user_id}@b.test", "", now)
            await self.writer.run(store.add_member, self.org_id, user_id, "admin", now)
        await self.writer.run(session_store.add_session, self.org_id, user_id, session_id, now, now + HOUR_MS)
        return user_id, self.tokens.issue(self.org_id, user_id, session_id)

    async def is_recognised(self, token: str) -> bool:
        """True if the token is a session's."""
        try:
            caller = await self.sessions.authenticate(token)
        except InvalidCredentials:
            return False
        assert isinstance(caller, SessionCaller)
        assert caller.role == "admin"
        return True


@pytest.fixture
def people(database: Database, writer: Writer, clock: ManualClock) -> Users:
    return Users(database, writer, clock)


@pytest.mark.parametrize("table", [sessions, members], ids=["its row", "its member"])
async def test_a_session_ends_with(people: Users, clock: ManualClock, table: Table) -> None:
    _, token = await people.sign_in()
    assert await people.is_recognised(token)
    await people.writer.run(Tx.change, delete(table))
    clock.advance(CACHE_MS / 1000)
    assert not await people.is_recognised(token)


async def test_the_end_of_one_session_leaves_the_others_of_its_user(
    people: Users, database: Database, clock: ManualClock
) -> None:
    user_id, first = await people.sign_in()
    [first_id] = await database.read(own_values, str, select(sessions.c.id))
    _, second = await people.sign_in(user_id)
    await people.writer.run(Tx.change, delete(sessions).where(sessions.c.id == first_id))
    assert not await people.is_recognised(first)
    assert await people.is_recognised(second)


async def test_a_token_without_a_row_is_no_session(people: Users) -> None:
    """Whoever learns the installation's secret alone makes no session."""
    user_id, _ = await people.sign_in()
    assert not await people.is_recognised(people.tokens.issue(people.org_id, user_id, new_id()))


async def test_a_session_of_one_user_does_not_speak_for_another(people: Users, database: Database) -> None:
    await people.sign_in()
    [session_id] = await database.read(own_values, str, select(sessions.c.id))
    other_id, _ = await people.sign_in()
    assert not await people.is_recognised(people.tokens.issue(people.org_id, other_id, session_id))


async def test_a_session_that_is_in_use_is_looked_up_once_in_a_while(people: Users) -> None:
    _, token = await people.sign_in()
    assert await people.is_recognised(token)
    await people.writer.run(Tx.change, delete(sessions))
    assert await people.is_recognised(token)

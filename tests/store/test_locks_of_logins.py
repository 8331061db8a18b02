"""Locks on logins and the users who sign in: two transactions of two servers in a given order."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from server.accounts import oidc_store, session_store, store
from server.accounts.oidc_faults import IdentityDeactivated
from server.accounts.oidc_store import LoginRow
from server.accounts.one_time_tokens import given_token, new_token
from server.accounts.store import UserRow
from server.db.database import Database
from server.db.tables.accounts import sessions
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from tests.harness.clock import START_MS
from tests.harness.interleaving import Pair
from tests.harness.rows import row_count
from tests.harness.waiting import until
from tests.store.at_provider import AtProvider
from tests.store.people import People

BINDING, CODE = b"b" * 32, b"c" * 32


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


async def test_login_takes_the_first_code_alone(writer: Writer, pair: Pair) -> None:
    token = new_token(id := new_id())
    given = given_token(token.text)
    assert given is not None
    row = LoginRow(id, token.hash, BINDING, b"sealed", None, None, START_MS + 1)
    await writer.run(oidc_store.add, row)
    first, second = pair
    assert first.run(oidc_store.claim, given, BINDING, CODE, START_MS) == row
    claiming = second.begin(oidc_store.claim, given, BINDING, CODE, START_MS)
    assert second.waits(claiming)
    first.commit()
    assert second.result(claiming) is None


async def test_login_waits_for_a_change_of_the_password(writer: Writer, pair: Pair) -> None:
    """It may open no session with the password of before."""
    user = UserRow(new_id(), "ada@example.com", "", "hash", START_MS)
    await writer.run(store.add_user, user.id, user.email, user.password_hash, START_MS)
    first, second = pair
    first.run(store.set_password, user.id, "another hash")
    looking = second.begin(store.is_unchanged, user)
    assert second.waits(looking)
    first.commit()
    assert second.result(looking) is False


async def test_change_of_the_password_waits_for_a_login(writer: Writer, pair: Pair) -> None:
    """And then ends its session."""
    user = UserRow(new_id(), "ada@example.com", "", "hash", START_MS)
    await writer.run(store.add_user, user.id, user.email, user.password_hash, START_MS)
    first, second = pair
    assert first.run(store.is_unchanged, user)
    changing = second.begin(store.set_password, user.id, "another hash")
    assert second.waits(changing)
    first.commit()
    second.result(changing)


async def test_session_that_ends_is_not_switched(database: Database, writer: Writer, pair: Pair) -> None:
    """The reset of a password ends all sessions: none may begin from one of them meanwhile."""
    people = People(database, writer)
    await people.start()
    user_id = await people.add()
    caller = await people.caller(await people.login())
    first, _ = pair
    first.run(store.set_password, user_id, "another hash")
    first.run(session_store.end_all, user_id)
    switching = asyncio.create_task(people.sign_in.switch(caller, caller.org_id))
    await until(waits(database))
    first.commit()
    with pytest.raises(InvalidCredentials):
        await switching
    assert await row_count(database, sessions) == 0
    await people.stop()


def waits(database: Database) -> Callable[[], Awaitable[bool]]:
    """A condition: a transaction on the store waits for another one."""
    of_store = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = text(f"SELECT pid FROM pg_stat_activity WHERE {of_store}")

    async def look() -> bool:
        return await database.read(Tx.scalar, int, waiting) is not None

    return look


async def test_login_waits_for_the_end_of_its_identity(
    at: AtProvider, ada: SessionCaller, database: Database, pair: Pair
) -> None:
    """The deactivation ends all sessions: none may begin by the identity meanwhile."""
    at.add("1")
    await at.sign_in("1")
    user = await database.read(store.user, ada.user_id)
    assert user is not None
    [identity] = await database.read(oidc_store.identities, ada.user_id)
    first, _ = pair
    assert first.run(store.is_unchanged, user)
    first.run(oidc_store.set_deactivated, identity, START_MS)
    first.run(session_store.end_all, ada.user_id)
    login = asyncio.create_task(at.sign_in("1"))
    await until(waits(database))
    first.commit()
    with pytest.raises(IdentityDeactivated):
        await login
    assert await row_count(database, sessions) == 0

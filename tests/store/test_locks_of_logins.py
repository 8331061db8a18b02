"""Locks on logins and the users who sign in: two transactions of two servers in a given order."""

import pytest

from server.accounts import oidc_store, store
from server.accounts.oidc_store import LoginRow
from server.accounts.one_time_tokens import given_token, new_token
from server.accounts.store import UserRow
from server.db.writer import Writer
from server.ids import new_id
from tests.harness.clock import START_MS
from tests.harness.interleaving import Pair

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

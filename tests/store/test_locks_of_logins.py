"""The lock on a login at a provider: two transactions of two servers in a given order."""

import pytest

from server.accounts import oidc_store
from server.accounts.oidc_store import LoginRow
from server.accounts.one_time_tokens import given_token, new_token
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

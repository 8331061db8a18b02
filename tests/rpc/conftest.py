"""Stacks that the tests of this folder share, one on each engine of the store."""

from collections.abc import Iterator

import pytest

from tests.harness.postgres import Postgres
from tests.harness.stack import Stack


@pytest.fixture(scope="session")
def postgres_stack(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str
) -> Iterator[Stack]:
    """Server and edge on PostgreSQL with captured mail."""
    url = postgres.create_database(postgres_template)
    with Stack(tmp_path_factory.mktemp("postgres-stack"), database_url=url, twins=True) as stack:
        yield stack
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Stack:
    """A running stack: each test that uses it runs on both engines of the store."""
    stack: Stack = request.getfixturevalue("stack" if request.param == "sqlite" else "postgres_stack")
    return stack

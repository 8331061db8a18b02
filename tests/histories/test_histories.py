"""A short history on each engine keeps every promise (the long form is `make faults`)."""

from pathlib import Path

import pytest

from tests.harness.postgres import Postgres
from tests.histories.run import run

pytestmark = pytest.mark.timeout(600)


async def test_history_on_sqlite_keeps_every_promise(tmp_path: Path) -> None:
    outcome = await run(tmp_path, 1, database_url=None, faults=2)
    assert outcome.broken == [], str(outcome)


async def test_history_on_postgresql_keeps_every_promise(tmp_path: Path, postgres: Postgres) -> None:
    url = await postgres.new_database()
    outcome = await run(tmp_path, 1, database_url=url, faults=3)
    assert outcome.broken == [], str(outcome)
    postgres.drop_database(url)

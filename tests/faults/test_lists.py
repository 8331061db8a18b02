"""Each member of a list gets one email though the server is killed; `make faults` has the long form."""

from pathlib import Path

import pytest

from tests.faults.lists import ListRun, least_members
from tests.harness.postgres import Postgres

pytestmark = pytest.mark.timeout(900)

WINDOWS = ("accept.before_commit", "smtp.after_dot")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_each_member_gets_one_email_although_the_server_is_killed(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None
    if engine == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create_database()
    outcome = await ListRun(tmp_path, least_members(WINDOWS), database_url=url).run(WINDOWS)
    assert outcome.is_clean, outcome
    assert [kill.window for kill in outcome.kills] == list(WINDOWS)

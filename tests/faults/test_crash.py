"""An acknowledged send is never lost (DELIVERY 5.2 rows 1 and 2; the long form is `make faults`)."""

from pathlib import Path

import pytest

from tests.faults.crash import ANSWERED, EDGE, FAILPOINTS, PAUSE, RANDOM, STOP, CrashRun
from tests.harness.postgres import Postgres

pytestmark = pytest.mark.timeout(900)

WINDOWS = {
    "sqlite": [*FAILPOINTS, EDGE, RANDOM, STOP, PAUSE],
    # Points whose commits differ there; the rest is the same code.
    "postgresql": [
        "accept.before_commit",
        "engine.after_claim",
        "smtp.after_dot",
        "engine.before_complete",
        RANDOM,
    ],
}


@pytest.mark.parametrize("engine", WINDOWS)
async def test_no_acknowledged_email_is_lost_when_programs_are_killed(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None
    if engine == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create_database()
    outcome = await CrashRun(tmp_path, database_url=url).run(WINDOWS[engine])
    print(outcome)
    assert outcome.is_clean, outcome
    # Each death had mail to lose: a slow machine acknowledges few, never fewer than it has deaths.
    assert outcome.report.acknowledged > len(WINDOWS[engine])
    assert outcome.report.acknowledged == outcome.report.submitted
    assert outcome.reached >= set(FAILPOINTS)


async def test_crash_test_detects_a_server_that_acknowledges_before_commit(tmp_path: Path) -> None:
    run = CrashRun(tmp_path, failpoints="writer.ack_before_commit=sleep:0.5")
    outcome = await run.run([ANSWERED] * 2)
    assert "writer.ack_before_commit" in outcome.reached
    assert outcome.report.lost

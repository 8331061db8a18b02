"""A message that the relay acknowledged is never lost, and none is kept in part (100 deaths: make faults)."""

from pathlib import Path

import pytest

from tests.faults.relay import WINDOWS, RelayRun

pytestmark = pytest.mark.timeout(600)


async def test_no_acknowledged_message_is_lost_when_relay_and_server_are_killed(tmp_path: Path) -> None:
    """A client that saw 250 finds its mail; one that did not finds none or one."""
    outcome = await RelayRun(tmp_path).run(list(dict.fromkeys(WINDOWS)))
    print(outcome)
    assert outcome.is_clean, outcome
    assert outcome.report.acknowledged > len(WINDOWS)
    assert outcome.report.acknowledged < outcome.report.submitted


async def test_relay_run_detects_a_server_that_acknowledges_before_commit(tmp_path: Path) -> None:
    run = RelayRun(tmp_path, failpoints="writer.ack_before_commit=sleep:0.5")
    outcome = await run.run(["server after 250"])
    assert outcome.report.lost

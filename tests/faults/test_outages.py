"""A database that crashes, moves or is full costs no acknowledged mail (the long form is `make faults`)."""

from pathlib import Path

import pytest

from tests.faults.outages import fail_over, restarts

pytestmark = pytest.mark.timeout(300)


async def test_acknowledged_mail_is_delivered_after_the_database_crashed_and_restarted(
    tmp_path: Path,
) -> None:
    outcome = await restarts(tmp_path, 3)
    assert outcome.is_clean, outcome
    assert outcome.retries, "no client noticed an outage"


async def test_acknowledged_mail_is_delivered_after_the_database_failed_over(tmp_path: Path) -> None:
    outcome = await fail_over(tmp_path)
    assert outcome.is_clean, outcome
    assert outcome.retries, "no client noticed an outage"

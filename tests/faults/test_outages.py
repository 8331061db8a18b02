"""A database that crashes, moves or is full costs no acknowledged mail (the long form is `make faults`)."""

from pathlib import Path

import aiohttp
import pytest

from tests.faults.full_disk import full_for
from tests.faults.outages import fail_over, paused_worker, restarts, terminations
from tests.harness.stack import Stack
from tests.harness.waiting import until

pytestmark = pytest.mark.timeout(900)

# Bytes; a few such bodies do not fit into what the store has in reserve.
LARGE = 500_000


async def test_acknowledged_mail_is_delivered_after_the_database_crashed_and_restarted(
    tmp_path: Path,
) -> None:
    outcome = await restarts(tmp_path, 2)
    assert outcome.is_clean, str(outcome)
    assert outcome.retries, "no client noticed an outage"


async def test_no_client_notices_that_connections_were_terminated(tmp_path: Path) -> None:
    """A transaction that was cut off before its commit runs again; one that was cut off after it is looked up
    (C-94)."""
    outcome = await terminations(tmp_path, 12)
    assert outcome.is_clean, str(outcome)
    assert not outcome.retries, str(outcome)


async def test_acknowledged_mail_is_delivered_after_the_database_failed_over(tmp_path: Path) -> None:
    outcome = await fail_over(tmp_path)
    assert outcome.is_clean, str(outcome)
    assert outcome.retries, "no client noticed an outage"


async def test_worker_that_stood_still_for_longer_than_its_leases_sends_nothing_twice(tmp_path: Path) -> None:
    outcome = await paused_worker(tmp_path, 4.0, lease_s=3)
    assert outcome.is_clean, str(outcome)


async def test_full_disk_is_503_and_not_ready_until_there_is_room_again(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        before = await _post(stack, "before")
        assert before.status == 200
        with full_for(stack.server_pid(), stack.data_dir):
            # A small probe may find room where a large email finds none: then it is ready again.
            await until(lambda: _is_away(stack), message="nothing was refused, or the server stayed ready")
            refused = await _post(stack, "x" * LARGE)
            assert (refused.status, "Retry-After" in refused.headers) == (503, True)
            listed = await _get(stack, "/v1/emails")
            assert listed.status == 200
        await until(lambda: _ready(stack, 200), message=stack.log_tails)
        assert (await _post(stack, "x" * LARGE)).status == 200
        log = (stack.data_dir / "logs" / "server.log").read_text()
        assert "Traceback" not in log, log


async def _is_away(stack: Stack) -> bool:
    answer = await _post(stack, "x" * LARGE)
    assert answer.status in (200, 503), await answer.text()
    return answer.status == 503 and await _ready(stack, 503)


async def _ready(stack: Stack, status: int) -> bool:
    return (await _get(stack, "/readyz")).status == status


async def _get(stack: Stack, path: str) -> aiohttp.ClientResponse:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with aiohttp.ClientSession() as session, session.get(stack.http + path, headers=headers) as answer:
        await answer.read()
        return answer


async def _post(stack: Stack, body: str) -> aiohttp.ClientResponse:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    email = {"from": f"a@{stack.domain}", "to": "ok@site.test", "subject": "Full", "text": body}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.http}/v1/emails", json=email, headers=headers) as answer,
    ):
        await answer.read()
        return answer

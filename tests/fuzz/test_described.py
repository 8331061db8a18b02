"""The API conforms to its description under generated requests."""

from pathlib import Path

import httpx
import pytest

from tests.fuzz.described import fuzz
from tests.harness.dns_server import dns_in_a_thread
from tests.harness.stack import Stack

REACHED = {
    "/v1": {
        "POST /v1/emails",
        "POST /v1/emails/batch",
        "GET /v1/emails",
        "GET /v1/emails/{id}",
        "GET /v1/emails/stats",
        "POST /v1/domains",
        "GET /v1/domains/{id}",
        "PATCH /v1/domains/{id}",
        "POST /v1/domains/{id}/verify",
        "POST /v1/api-keys",
        "PATCH /v1/api-keys/{id}",
        "DELETE /v1/api-keys/{id}",
        "POST /v1/webhooks",
        "PATCH /v1/webhooks/{id}",
        "POST /v1/webhooks/{id}/test",
        "POST /v1/suppressions",
        "GET /v1/suppressions",
        "GET /v1/events",
        "GET /v1/usage",
    },
    "/api/v1/zsend": {
        "POST /api/v1/zsend/emails",
        "POST /api/v1/zsend/emails/batch",
        "GET /api/v1/zsend/emails",
        "GET /api/v1/zsend/emails/{id}",
        "GET /api/v1/zsend/emails/batch",
        "GET /api/v1/zsend/emails/scheduled",
    },
}
"""Operations of each dialect that must have succeeded at least once; else a run would prove nothing."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("prefix", REACHED)
def test_no_request_is_answered_in_a_way_that_is_not_described(tmp_path: Path, prefix: str) -> None:
    """Every status and body as described, no 5xx, no wrong data taken and no right data refused, nothing
    open to strangers; one request at a time, and in sequences that use what was made before."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with dns_in_a_thread() as dns, Stack(data_dir, env={"ZIDIMAIL_DNS": dns.address}) as stack:
        run = fuzz(stack, tmp_path, prefix, "--max-examples", "8", "--seed", "1")
        assert run.passed, run.output
        assert run.reached >= REACHED[prefix], run.output
        headers = {"authorization": f"Bearer {stack.owner.api_key}"}
        assert httpx.get(f"{stack.http}/v1/usage", headers=headers).status_code == 200

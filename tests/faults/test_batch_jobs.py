"""Batch jobs count exactly, also when many come at once or their server is killed (contract row C-26)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.batch_jobs import SUPPRESSED, at_once, client, count, emails
from tests.harness.postgres import Postgres
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

pytestmark = pytest.mark.timeout(900)

CALLERS, JOBS, EMAILS = 4, 3, 30
# `make faults` creates a hundred.
AT_ONCE = 12
DIES_WITHIN_S = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The store of the stack; None for its own SQLite."""
    if request.param == "sqlite":
        yield None
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.mark.parametrize("window", ["accept.before_commit", "accept.after_commit"])
def test_jobs_whose_server_is_killed_are_stored_whole_with_exact_counts_or_not_at_all(
    tmp_path: Path, database_url: str | None, window: str
) -> None:
    with Stack(tmp_path, database_url=database_url) as stack, client(stack) as api:
        api.post("/v1/suppressions", json={"email": SUPPRESSED}).raise_for_status()
        stack.kill_server()
        # In the midst of the jobs: some are answered before, some are repeated after.
        stack.start_server({"ZIDIMAIL_FAILPOINTS": f"{window}=kill@3"})
        with ThreadPoolExecutor(CALLERS) as callers:
            creating = [callers.submit(create_jobs, stack, caller) for caller in range(CALLERS)]
            stack.wait_server(DIES_WITHIN_S)
            stack.start_server()
            jobs = [job for created in creating for job in created.result()]

        assert len({job["id"] for job in jobs}) == CALLERS * JOBS
        listed = api.get("/v1/batch-jobs", params={"limit": 100}).json()
        assert (listed["total"], len(listed["data"])) == (CALLERS * JOBS, CALLERS * JOBS)
        stored = {job["id"]: job for job in listed["data"]}
        for job in jobs:
            assert stored[job["id"]] == job
            assert (job["status"], job["total_count"]) == ("completed", EMAILS)
            assert (job["sent_count"], job["failed_count"]) == (EMAILS * 2 // 3, EMAILS // 3)
            assert count(api, job_id=job["id"]) == EMAILS
            assert count(api, job_id=job["id"], status="suppressed") == EMAILS // 3
        assert count(api) == CALLERS * JOBS * EMAILS


def test_jobs_that_are_created_at_once_have_exact_counts(tmp_path: Path, database_url: str | None) -> None:
    with Stack(tmp_path, database_url=database_url) as stack:
        outcome = at_once(stack, AT_ONCE)
    assert outcome.is_clean, outcome


def create_jobs(stack: Stack, caller: int) -> list[dict[str, Any]]:
    """Creates jobs one after the other, and repeats each until it is answered."""
    with client(stack) as api:

        def created(key: str) -> dict[str, Any] | None:
            try:
                answer = api.post(
                    "/v1/batch-jobs", json={"emails": emails(EMAILS)}, headers={"idempotency-key": key}
                )
            except httpx.TransportError:
                return None
            assert answer.status_code in (201, 503, 504), answer.text
            job: dict[str, Any] = answer.json()
            return job if answer.status_code == 201 else None

        jobs = []
        for number in range(JOBS):
            key = f"{caller}-{number}"
            job = until_sync(lambda key=key: created(key), within=120, message=f"{key} was never accepted")
            assert job is not None
            jobs.append(job)
        return jobs

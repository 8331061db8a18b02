"""Batch jobs count exactly, also when many come at once or their server is killed (contract row C-26)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.faults.batch_jobs import SUPPRESSED, at_once, client, count, emails
from tests.harness.organisations import Kind, Organisation
from tests.harness.postgres import Postgres
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

pytestmark = pytest.mark.timeout(900)

CALLERS, JOBS, EMAILS = 4, 3, 15
# `make faults` creates a hundred, of more emails.
AT_ONCE, EMAILS_AT_ONCE = 12, 30
DIES_WITHIN_S = 60.0
WINDOWS = ("accept.before_commit", "accept.after_commit")
# Each test has an organisation of its own, whose emails and jobs it counts.
KINDS = {name: Kind(["--plan", "enterprise"]) for name in ("before-commit", "after-commit", "at-once")}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Server and edge, on both engines."""
    folder = tmp_path_factory.mktemp("jobs")
    if request.param == "sqlite":
        with Stack(folder, kinds=KINDS) as stack:
            yield stack
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database()
    with Stack(folder, database_url=url, kinds=KINDS) as stack:
        yield stack
    postgres.drop_database(url)


@pytest.mark.parametrize("window", WINDOWS)
def test_jobs_whose_server_is_killed_are_stored_whole_with_exact_counts_or_not_at_all(
    stack: Stack, window: str
) -> None:
    organisation = stack.orgs[window.removeprefix("accept.").replace("_", "-")]
    with client(stack, organisation) as api:
        api.post("/v1/suppressions", json={"email": SUPPRESSED}).raise_for_status()
        stack.kill_server()
        # In the midst of the jobs: some are answered before, some are repeated after.
        stack.start_server({"ZIDIMAIL_FAILPOINTS": f"{window}=kill@3"})
        with ThreadPoolExecutor(CALLERS) as callers:
            creating = [callers.submit(create_jobs, stack, organisation, caller) for caller in range(CALLERS)]
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


def test_jobs_that_are_created_at_once_have_exact_counts(stack: Stack) -> None:
    outcome = at_once(stack, stack.orgs["at-once"], AT_ONCE, EMAILS_AT_ONCE)
    assert outcome.is_clean, outcome


def create_jobs(stack: Stack, organisation: Organisation, caller: int) -> list[dict[str, Any]]:
    """Creates jobs one after the other, and repeats each until it is answered."""
    mails = emails(EMAILS, organisation.domain)
    with client(stack, organisation) as api:

        def created(key: str) -> dict[str, Any] | None:
            try:
                answer = api.post("/v1/batch-jobs", json={"emails": mails}, headers={"idempotency-key": key})
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

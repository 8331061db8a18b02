"""Batch jobs created by many callers at once: no count is off (contract rows C-26, C-68)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.harness.organisations import Organisation
from tests.harness.stack import Stack

# Every third email of a job.
SUPPRESSED = "gone@example.org"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The differences between what the jobs must count and what is stored; none in a clean run."""

    jobs: int
    emails: int
    differences: list[str]

    @property
    def is_clean(self) -> bool:
        """True if each number is the right one."""
        return not self.differences

    def __str__(self) -> str:
        found = "; ".join(self.differences) or "every count is exact"
        return f"{self.jobs} jobs of {self.emails} emails: {found}"


def emails(number: int, domain: str) -> list[dict[str, Any]]:
    """The emails of a job, each third of which is suppressed."""
    return [
        {
            "from": f"shop@{domain}",
            "to": [SUPPRESSED if at % 3 == 0 else f"person-{at}@example.org"],
            "subject": f"Number {at}",
            "text": "Thank you.",
        }
        for at in range(number)
    ]


def client(stack: Stack, organisation: Organisation) -> httpx.Client:
    """A client with the key of an organisation."""
    headers = {"authorization": f"Bearer {organisation.api_key}"}
    return httpx.Client(base_url=stack.http, headers=headers, timeout=120)


def count(api: httpx.Client, **query: str) -> int:
    """The number of emails that a list has."""
    return int(api.get("/v1/emails", params=query).json()["total"])


def at_once(stack: Stack, organisation: Organisation, jobs: int, size: int) -> Outcome:
    """Creates jobs of `size` emails all at once, then compares each count with the emails."""
    with client(stack, organisation) as api:
        api.post("/v1/suppressions", json={"email": SUPPRESSED}).raise_for_status()
    with ThreadPoolExecutor(jobs) as callers:
        created = list(callers.map(lambda number: _create(stack, organisation, number, size), range(jobs)))
    differences: list[str] = []

    def equal(name: str, found: object, wanted: object) -> None:
        if found != wanted:
            differences.append(f"{name}: {found} instead of {wanted}")

    failed = size // 3
    with client(stack, organisation) as api:
        equal("jobs", api.get("/v1/batch-jobs").json()["total"], jobs)
        equal("ids", len(set(created)), jobs)
        for job_id in created:
            job = api.get(f"/v1/batch-jobs/{job_id}").json()
            counts = [job[f"{name}_count"] for name in ("total", "sent", "failed")]
            equal(f"job {job_id}", counts, [size, size - failed, failed])
            equal(f"state of {job_id}", job["status"], "completed")
            equal(f"emails of {job_id}", count(api, job_id=job_id), size)
            suppressed = count(api, job_id=job_id, status="suppressed")
            equal(f"suppressed of {job_id}", suppressed, failed)
        used = api.get("/v1/usage").json()["monthly"]["used"]
        equal("recipients charged", used, jobs * (size - failed))
    return Outcome(jobs, size, differences)


def _create(stack: Stack, organisation: Organisation, number: int, size: int) -> str:
    with client(stack, organisation) as api:
        key = {"idempotency-key": f"at-once-{number}"}
        answer = api.post("/v1/batch-jobs", json={"emails": emails(size, organisation.domain)}, headers=key)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

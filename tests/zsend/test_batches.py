"""Batches as jobs: S-11 to S-13, C-3, C-19, C-26, C-67, C-68, V-7."""

import base64
from collections.abc import Callable

import httpx
import pytest

from tests.rest.golden import Golden
from tests.zsend.emails import email_of

FILE = {"filename": "a.pdf", "content": base64.b64encode(b"%PDF").decode()}


@pytest.fixture(scope="module")
def api(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation whose lists only this module fills."""
    return api_of("jobs")


def test_a_batch_becomes_a_job_that_is_read_and_listed(api: httpx.Client, golden: Golden) -> None:
    """S-11, S-12, S-13, C-3, C-19, C-26, C-67, V-7."""
    emails = [
        email_of("jobs", tags={"user_id": "1"}, attachments=[FILE]),
        email_of("jobs", to=["b@example.org"]),
    ]
    created = api.post("/emails/batch", json={"emails": emails})
    golden.check("batch", created)
    job_id = created.json()["job_id"]
    golden.check("batch-get", api.get(f"/emails/batch/{job_id}"))
    golden.check("batch-list", api.get("/emails/batch", params={"status": "completed"}))
    assert api.get("/emails/batch", params={"status": "failed"}).json() == {
        "batch_jobs": [],
        "total_count": 0,
    }
    sent = api.get("/emails", params={"job_id": job_id}).json()
    assert sent["total"] == 2
    assert {(email["job_type"], email["job_id"]) for email in sent["data"]} == {("batch", job_id)}
    assert api.get("/emails", params={"job_type": "batch"}).json()["total"] == 2
    assert api.get("/emails", params={"job_type": "direct"}).json() == {"data": [], "total": 0}


def test_wrong_emails_of_a_batch_are_all_named_and_nothing_is_queued(
    api: httpx.Client, golden: Golden
) -> None:
    """C-26, S-5."""
    before = api.get("/emails/batch").json()["total_count"]
    wrong = [email_of("jobs", subject="x" * 1200), email_of("jobs"), email_of("jobs", subject="x" * 1000)]
    golden.check("errors/batch-limit", api.post("/emails/batch", json={"emails": wrong}))
    wrong = [email_of("jobs", to=["nobody"]), email_of("jobs"), email_of("jobs", html=None)]
    golden.check("errors/batch-invalid", api.post("/emails/batch", json={"emails": wrong}))
    foreign = [email_of("jobs"), email_of("jobs", **{"from": "a@unknown.example"})]
    golden.check("errors/batch-domain", api.post("/emails/batch", json={"emails": foreign}))
    assert api.get("/emails/batch").json()["total_count"] == before


def test_a_batch_holds_one_to_a_hundred_emails(api: httpx.Client, golden: Golden) -> None:
    """S-11, C-26."""
    golden.check("errors/batch-empty", api.post("/emails/batch", json={"emails": []}))
    golden.check(
        "errors/batch-too-many", api.post("/emails/batch", json={"emails": [email_of("jobs")] * 101})
    )
    whole = api.post("/emails/batch", json={"emails": [email_of("jobs")] * 100}).raise_for_status().json()
    job = api.get(f"/emails/batch/{whole['job_id']}").json()
    assert (job["total_count"], job["sent_count"], job["failed_count"]) == (100, 100, 0)


def test_an_unknown_job_is_404(api: httpx.Client, golden: Golden) -> None:
    """S-2, C-48."""
    golden.check("errors/batch-unknown", api.get(f"/emails/batch/{'0' * 24}"))
    golden.check("errors/batch-status", api.get("/emails/batch", params={"status": "sent"}))

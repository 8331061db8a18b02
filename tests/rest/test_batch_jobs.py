"""Batch jobs and the emails that they sent: S-11 to S-13, V-7, C-19, C-26, C-68."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.rest.test_schedule import ahead

EMAIL = {
    "from": "Acme <hello@jobs.example.com>",
    "to": ["Ada <ada@example.org>"],
    "subject": "Your order",
    "text": "It is on its way.",
}
GONE = {**EMAIL, "to": "gone@example.org"}
MIB = 2**20


@pytest.fixture(scope="module")
def api(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation that no other test uses; one recipient is suppressed."""
    api = api_of("jobs")
    api.post("/v1/suppressions", json={"email": "gone@example.org"}).raise_for_status()
    return api


def create(api: httpx.Client, *emails: dict[str, Any], **headers: str) -> httpx.Response:
    return api.post("/v1/batch-jobs", json={"emails": emails}, headers=headers)


def test_new_job_is_answered_with_its_counts(api: httpx.Client, golden: Golden) -> None:
    """S-11, C-26, C-68: an email whose recipients are all suppressed counts as failed."""
    golden.check("batch-jobs/create", create(api, EMAIL, GONE, EMAIL))
    golden.check("batch-jobs/create-failed", create(api, GONE))


def test_job_is_read_back_alone_and_in_the_list(api: httpx.Client, golden: Golden) -> None:
    """S-12, S-13, C-7, C-19, C-67."""
    made = create(api, EMAIL).json()
    read = api.get(f"/v1/batch-jobs/{made['id']}")
    assert read.json() == made
    golden.check("batch-jobs/get", read)
    listed = api.get("/v1/batch-jobs", params={"limit": 1, "status": "completed"})
    assert listed.json()["data"] == [made]
    assert api.get("/v1/batch-jobs", params={"page_size": 1}).json()["data"] == [made]
    create(api, GONE)
    golden.check("batch-jobs/list", api.get("/v1/batch-jobs?limit=1&status=failed"))
    assert api.get("/v1/batch-jobs?status=pending&status=processing").json()["data"] == []
    golden.check("errors/batch-jobs-status", api.get("/v1/batch-jobs?status=sent"))


def test_emails_of_a_job_are_listed_by_its_id(api: httpx.Client, golden: Golden) -> None:
    """V-7, F-6."""
    job_id = create(api, EMAIL, GONE).json()["id"]
    golden.check("batch-jobs/emails", api.get(f"/v1/emails?job_id={job_id}&status=suppressed"))
    emails = api.get("/v1/emails", params={"job_id": job_id}).json()
    assert emails["total"] == 2
    assert {(email["job_type"], email["job_id"]) for email in emails["data"]} == {("batch", job_id)}
    assert api.get("/v1/emails", params={"job_id": "0" * 24}).json()["data"] == []
    golden.check("errors/list-job-id", api.get("/v1/emails?job_id=x&job_type=weekly"))


def test_emails_are_listed_by_how_they_were_handed_in(api: httpx.Client) -> None:
    """V-7."""
    direct = api.post("/v1/emails", json=EMAIL).json()["id"]
    [batched] = api.post("/v1/emails/batch", json=[EMAIL]).json()["data"]
    scheduled = api.post("/v1/emails", json={**EMAIL, "scheduled_at": ahead(hours=1)}).json()["id"]
    create(api, EMAIL)
    for job_type, ids in (("direct", [batched["id"], direct]), ("scheduled", [scheduled])):
        listed = api.get("/v1/emails", params={"job_type": job_type}).json()["data"]
        assert [email["id"] for email in listed] == ids
        assert {(email["job_type"], email["job_id"]) for email in listed} == {(job_type, None)}
    of_jobs = api.get("/v1/emails", params={"job_type": "batch"}).json()
    assert {email["job_type"] for email in of_jobs["data"]} == {"batch"}
    assert of_jobs["total"] == api.get("/v1/emails").json()["total"] - 3


def test_scheduled_emails_are_listed_by_status_with_their_attempts(api: httpx.Client) -> None:
    """S-8, C-25: those that were sent and canceled are scheduled emails too."""

    def listed(*statuses: str) -> list[dict[str, Any]]:
        query: dict[str, Any] = {"job_type": "scheduled", "status": statuses, "domain": "jobs.example.com"}
        data: list[dict[str, Any]] = api.get("/v1/emails", params=query).json()["data"]
        return data

    soon, later = (
        api.post("/v1/emails", json={**EMAIL, "scheduled_at": at}).json()["id"]
        for at in (ahead(seconds=1), ahead(hours=1))
    )
    canceled = api.post("/v1/emails", json={**EMAIL, "scheduled_at": ahead(hours=1)}).json()["id"]
    api.post(f"/v1/emails/{canceled}/cancel").raise_for_status()
    assert [email["id"] for email in listed("canceled")] == [canceled]
    until_sync(lambda: listed("delivered"), message="the scheduled email was never delivered")
    assert [(email["id"], email["attempts"]) for email in listed("delivered", "bounced")] == [(soon, 1)]
    assert (later, 0) in [(email["id"], email["attempts"]) for email in listed("scheduled")]
    assert api.get(f"/v1/emails/{soon}").json()["attempts"] == 1


def test_wrong_emails_refuse_the_job_and_are_all_named(api: httpx.Client, golden: Golden) -> None:
    """C-26: nothing is queued."""
    before = api.get("/v1/emails").json()["total"], api.get("/v1/batch-jobs").json()["total"]
    wrong = create(api, {**EMAIL, "to": "nobody"}, EMAIL, {**EMAIL, "subject": None})
    golden.check("batch-jobs/create-invalid", wrong)
    foreign = create(api, EMAIL, {**EMAIL, "from": "a@unknown.example"})
    golden.check("batch-jobs/create-domain", foreign)
    of_its_own = {"scheduled_at": ahead(hours=1), "idempotency_key": "of its own"}
    violations = create(api, EMAIL, {**EMAIL, **of_its_own}).json()["errors"]
    assert [violation["field"] for violation in violations] == [
        "emails[1].scheduled_at",
        "emails[1].idempotency_key",
    ]
    assert before == (api.get("/v1/emails").json()["total"], api.get("/v1/batch-jobs").json()["total"])


def test_a_job_holds_one_to_a_hundred_emails(api: httpx.Client, golden: Golden) -> None:
    """S-11, C-26."""
    golden.check("errors/batch-job-empty", create(api))
    golden.check("errors/batch-job-101", create(api, *[EMAIL] * 101))
    assert create(api, *[EMAIL] * 100).json()["sent_count"] == 100


def test_repeated_job_gets_the_first_answer(api: httpx.Client, golden: Golden) -> None:
    """F-1."""
    first = create(api, EMAIL, **{"idempotency-key": "job-4711"})
    again = create(api, EMAIL, **{"idempotency-key": "job-4711"})
    assert "idempotent-replayed" not in first.headers
    assert again.json() == first.json()
    golden.check("batch-jobs/create-replayed", again)
    other = create(api, GONE, **{"idempotency-key": "job-4711"})
    assert (other.status_code, other.json()["name"]) == (409, "invalid_idempotent_request")


def test_answer_to_a_job_shows_the_nearest_quota(api_of: Callable[[str], httpx.Client]) -> None:
    """F-9."""
    answer = create(api_of("counted-jobs"), {**EMAIL, "from": "a@counted-jobs.example.com"})
    assert answer.status_code == 201, answer.text
    assert int(answer.headers["ratelimit-remaining"]) < int(answer.headers["ratelimit-limit"])


def test_unknown_job_is_not_found(api: httpx.Client, other_api: httpx.Client, golden: Golden) -> None:
    """S-13, C-48."""
    golden.check("errors/batch-job-not-found", api.get(f"/v1/batch-jobs/{'0' * 24}"))
    job_id = create(api, EMAIL).json()["id"]
    assert other_api.get(f"/v1/batch-jobs/{job_id}").status_code == 404
    assert api.get("/v1/batch-jobs/x").status_code == 404


def test_emails_of_a_job_have_attachments_of_their_own(api: httpx.Client, golden: Golden) -> None:
    """S-11, C-1, C-3: as large as those of single sends; the rest has the limit of every body."""
    content = base64.b64encode(bytes(MIB)).decode()
    emails = [
        {**EMAIL, "attachments": [{"filename": f"{number}.bin", "content": content}]} for number in range(4)
    ]
    job = create(api, *emails).json()
    assert job["sent_count"] == 4
    listed = api.get("/v1/emails", params={"job_id": job["id"]}).json()["data"]
    names = []
    for email in reversed(listed):
        [file] = api.get(f"/v1/emails/{email['id']}").json()["attachments"]
        assert file["size"] == MIB
        names.append(file["filename"])
    assert names == ["0.bin", "1.bin", "2.bin", "3.bin"]
    large = create(api, *({**email, "text": "x" * MIB} for email in emails))
    golden.check("errors/batch-job-too-large-beside-files", large)

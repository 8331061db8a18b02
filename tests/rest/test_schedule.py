"""Scheduled emails: F-2, C-25, and Resend's names for rescheduling and canceling."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.rest.test_emails import EMAIL, delivered


def ahead(**time: float) -> str:
    at = (datetime.now(UTC) + timedelta(**time)).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


def scheduled(api: httpx.Client, at: str | None = None) -> str:
    answer = api.post("/v1/emails", json={**EMAIL, "scheduled_at": at or ahead(hours=1)})
    assert answer.status_code == 200, answer.json()
    return str(answer.json()["id"])


def test_scheduled_email_waits(api: httpx.Client, golden: Golden) -> None:
    """F-2."""
    answer = api.post("/v1/emails", json={**EMAIL, "scheduled_at": ahead(hours=1)})
    golden.check("emails/send-scheduled", answer)
    id = answer.json()["id"]
    golden.check("emails/get-scheduled", api.get(f"/v1/emails/{id}"))
    listed = api.get("/v1/emails", params={"limit": 1}).json()["data"][0]
    assert (listed["id"], listed["status"]) == (id, "scheduled")
    assert listed["scheduled_at"] == answer.json()["scheduled_at"]


def test_answer_echoes_scheduled_at_in_utc(api: httpx.Client) -> None:
    """C-25: without an offset it is UTC; with one it is brought there."""
    hour = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(days=30)
    shown = hour.isoformat() + ".000Z"
    for given in (
        hour.isoformat(),
        f"{hour.isoformat()}Z",
        f"{(hour + timedelta(hours=2)).isoformat()}+02:00",
    ):
        answer = api.post("/v1/emails", json={**EMAIL, "scheduled_at": given})
        assert answer.json()["scheduled_at"] == shown


def test_scheduled_email_is_delivered_at_its_time(api: httpx.Client) -> None:
    id = scheduled(api, ahead(seconds=1.5))
    assert api.get(f"/v1/emails/{id}").json()["status"] == "scheduled"
    email = delivered(api, id).json()
    assert [event["type"] for event in email["events"]] == [
        "email.scheduled",
        "email.sent",
        "email.delivered",
    ]
    assert email["events"][1]["created_at"] >= email["scheduled_at"]


def test_scheduled_email_is_rescheduled(api: httpx.Client, golden: Golden) -> None:
    """F-2, C-25."""
    id = scheduled(api)
    golden.check(
        "emails/update", api.patch(f"/v1/emails/{id}", json={"id": id, "scheduled_at": ahead(days=2)})
    )
    soon = api.patch(f"/v1/emails/{id}", json={"scheduled_at": ahead(seconds=1)})
    assert soon.status_code == 200
    assert api.get(f"/v1/emails/{id}").json()["scheduled_at"] == soon.json()["scheduled_at"]
    delivered(api, id)
    late = api.patch(f"/v1/emails/{id}", json={"scheduled_at": ahead(hours=1)})
    golden.check("errors/email-not-scheduled", late)


def test_scheduled_email_is_canceled(api: httpx.Client, golden: Golden) -> None:
    """F-2, C-25."""
    id = scheduled(api)
    golden.check("emails/cancel", api.post(f"/v1/emails/{id}/cancel"))
    email = api.get(f"/v1/emails/{id}").json()
    assert (email["status"], email["last_event"]) == ("canceled", "canceled")
    assert [event["type"] for event in email["events"]] == ["email.scheduled", "email.canceled"]
    golden.check("errors/email-canceled", api.post(f"/v1/emails/{id}/cancel", json={}))


def test_invalid_scheduled_at_is_refused(api: httpx.Client, golden: Golden) -> None:
    """C-25."""
    for at in (ahead(seconds=-10), ahead(days=366), "yesterday", "", 7):
        answer = api.post("/v1/emails", json={**EMAIL, "scheduled_at": at})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "scheduled_at"
    past = {**EMAIL, "scheduled_at": "2020-01-01T00:00:00"}
    golden.check("errors/schedule-past", api.post("/v1/emails", json=past))
    id = scheduled(api)
    golden.check("errors/update-empty", api.patch(f"/v1/emails/{id}", json={}))
    assert api.patch(f"/v1/emails/{id}", json={"scheduled_at": ahead(days=-1)}).status_code == 422


def test_a_batch_may_be_scheduled(api: httpx.Client) -> None:
    at = ahead(hours=1)
    answer = api.post("/v1/emails/batch", json=[EMAIL, {**EMAIL, "scheduled_at": at}])
    assert ["scheduled_at" in entry for entry in answer.json()["data"]] == [False, True]


def test_email_of_another_organisation_is_not_found(
    api: httpx.Client, other_api: httpx.Client, golden: Golden
) -> None:
    """C-48."""
    id = scheduled(api)
    golden.check_same("errors/email-not-found", other_api.post(f"/v1/emails/{id}/cancel"))
    moved = other_api.patch(f"/v1/emails/{id}", json={"scheduled_at": ahead(hours=2)})
    golden.check_same("errors/email-not-found", moved)
    assert other_api.post("/v1/emails/nonsense/cancel").status_code == 404
    until_sync(lambda: api.get(f"/v1/emails/{id}").json()["status"] == "scheduled")


def test_time_in_words_is_resolved_once(api: httpx.Client) -> None:
    """C-72: a repeated call gets the first time again, not the one that the words mean now."""
    email = {**EMAIL, "scheduled_at": "in 2 hours"}
    headers = {"Idempotency-Key": f"words-{uuid4()}"}
    first = api.post("/v1/emails", json=email, headers=headers)
    begins = datetime.fromisoformat(first.json()["scheduled_at"])
    assert timedelta(minutes=119) < begins - datetime.now(UTC) <= timedelta(minutes=120)
    again = api.post("/v1/emails", json=email, headers=headers)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")


@pytest.mark.parametrize("name", ["scheduled_at", "scheduledAt", "send_at"])
def test_words_are_taken_wherever_a_time_is(api: httpx.Client, name: str) -> None:
    """C-72."""
    sent = api.post("/v1/emails", json={**EMAIL, name: "tomorrow at 9am"})
    assert sent.json()["scheduled_at"].endswith("T09:00:00.000Z")
    batch = api.post("/v1/emails/batch", json=[{**EMAIL, name: "tomorrow at noon UTC"}])
    [of_batch] = batch.json()["data"]
    assert of_batch["scheduled_at"].endswith("T12:00:00.000Z")
    moved = api.patch(f"/v1/emails/{sent.json()['id']}", json={name: "tomorrow 10am"})
    assert api.get(f"/v1/emails/{sent.json()['id']}").json()["scheduled_at"].endswith("T10:00:00.000Z")
    assert moved.status_code == 200


def test_words_that_mean_no_time_are_refused(api: httpx.Client, golden: Golden) -> None:
    """C-72: a guess would send mail when nobody wants it."""
    golden.check("errors/send-in-words", api.post("/v1/emails", json={**EMAIL, "scheduled_at": "soon"}))
    id = scheduled(api)
    assert api.patch(f"/v1/emails/{id}", json={"scheduled_at": "sooner"}).status_code == 422
    past = api.post("/v1/emails", json={**EMAIL, "scheduled_at": "in 0 minutes"})
    assert (past.status_code, past.json()["message"]) == (
        422,
        "scheduled_at: is past: it must be in the future",
    )
    assert api.post("/v1/emails", json={**EMAIL, "scheduled_at": ""}).status_code == 422

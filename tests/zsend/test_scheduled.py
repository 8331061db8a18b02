"""Scheduled emails as a list: S-8 to S-10, C-18, C-19, C-25, C-27."""

from collections.abc import Callable

import httpx
import pytest

from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.zsend.emails import ahead, email_of


@pytest.fixture(scope="module")
def api(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation whose lists only this module fills."""
    return api_of("lists")


def schedule(api: httpx.Client, **delta: float) -> str:
    email = email_of("lists", scheduled_at=ahead(**delta))
    id: str = api.post("/emails/schedule", json=email).raise_for_status().json()["id"]
    return id


def listed(api: httpx.Client, status: str) -> list[str]:
    answer = api.get("/emails/scheduled", params={"status": status}).json()
    return [email["id"] for email in answer["scheduled_emails"]]


def test_scheduled_emails_are_listed_read_and_cancelled(api: httpx.Client, golden: Golden) -> None:
    """S-8, S-9, S-10, C-18, C-19, C-25, C-27."""
    direct = api.post("/emails", json=email_of("lists")).raise_for_status().json()["id"]
    later = schedule(api, hours=1)
    golden.check("scheduled-list", api.get("/emails/scheduled"))
    assert listed(api, "scheduled") == listed(api, "enqueued") == [later]
    golden.check("scheduled-get", api.get(f"/emails/scheduled/{later}"))
    golden.check("scheduled-cancel", api.delete(f"/emails/scheduled/{later}"))
    golden.check("errors/cancel-cancelled", api.delete(f"/emails/scheduled/{later}"))
    assert (listed(api, "scheduled"), listed(api, "cancelled")) == ([], [later])
    assert api.get(f"/emails/{later}").json()["status"] == "cancelled"
    # One that never was scheduled is not among them.
    golden.check("errors/scheduled-unknown", api.get(f"/emails/scheduled/{direct}"))
    golden.check_same("errors/scheduled-unknown", api.delete(f"/emails/scheduled/{direct}"))


def test_a_scheduled_email_that_went_out_is_listed_as_sent(api: httpx.Client) -> None:
    """S-8, C-25: its attempts count, and it cannot be cancelled."""
    soon = schedule(api, seconds=2)
    until_sync(lambda: listed(api, "sent"), message="the scheduled email was never sent")
    shown = api.get(f"/emails/scheduled/{soon}").json()
    assert (shown["status"], shown["attempts"]) == ("sent", 1)
    assert api.delete(f"/emails/scheduled/{soon}").status_code == 400


def test_a_list_has_pages_by_either_name(api: httpx.Client, golden: Golden) -> None:
    """C-19, C-20, S-8."""
    first, second = schedule(api, hours=2), schedule(api, hours=3)

    def page(**params: int) -> list[str]:
        answer = api.get("/emails/scheduled", params={"status": "scheduled", **params}).json()
        assert answer["total_count"] == 2
        return [email["id"] for email in answer["scheduled_emails"]]

    assert page(limit=1) == page(page_size=1) == [second]
    assert page(limit=1, page=2) == [first]
    assert page(limit=1000) == [second, first]
    golden.check("errors/page-size", api.get("/emails/scheduled", params={"limit": 0, "page": "x"}))
    golden.check("errors/scheduled-status", api.get("/emails/scheduled", params={"status": "delivered"}))
    golden.check("errors/filter", api.get("/emails/scheduled", params={"job_type": "direct"}))

"""Lists and the agreement of both dialects: S-14, C-13, C-57, C-67, S-17."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.zsend.emails import ahead, email_of


@pytest.fixture(scope="module")
def api(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation whose lists only this module fills."""
    return api_of("shared")


@pytest.fixture(scope="module")
def v1(zsend: Stack) -> Iterator[httpx.Client]:
    """The same key with ZidiMail's prefix."""
    headers = {"authorization": f"Bearer {zsend.orgs['shared'].api_key}"}
    with httpx.Client(base_url=f"{zsend.http}/v1", headers=headers, timeout=30) as v1:
        yield v1


def total(api: httpx.Client, **params: str) -> int:
    count: int = api.get("/emails", params=params).raise_for_status().json()["total"]
    return count


def test_emails_are_listed_by_documented_states(api: httpx.Client, golden: Golden) -> None:
    """S-14, C-67, C-57."""
    id = api.post("/emails", json=email_of("shared")).raise_for_status().json()["id"]
    until_sync(lambda: total(api, status="delivered") == 1, message="the email was never delivered")
    golden.check("list", api.get("/emails", params={"status": "delivered", "page_size": 1}))
    api.post("/emails/schedule", json=email_of("shared", scheduled_at=ahead(hours=1))).raise_for_status()
    assert total(api, status="pending") == 1
    assert [total(api, status=status) for status in ("bounced", "complained", "sent", "cancelled")] == [0] * 4
    assert total(api, search="ada@") == 2
    assert api.get("/emails", params={"limit": 1, "page": 2}).json()["data"][0]["id"] == id
    golden.check("errors/list-status", api.get("/emails", params={"status": "opened"}))


def test_both_dialects_see_the_same_emails_quota_and_suppressions(
    api: httpx.Client, v1: httpx.Client
) -> None:
    """C-13, C-44, F-4."""
    here = api.post("/emails", json=email_of("shared")).raise_for_status()
    there = v1.post("/emails", json=email_of("shared")).raise_for_status()
    one = here.headers["ratelimit-limit"], int(here.headers["ratelimit-remaining"])
    assert (there.headers["ratelimit-limit"], int(there.headers["ratelimit-remaining"]) + 1) == one
    assert one[0] == "1000"  # S-17: a domain is verified
    for id in (here.json()["id"], there.json()["id"]):
        ours, theirs = api.get(f"/emails/{id}").json(), v1.get(f"/emails/{id}").json()
        shared = ("id", "from", "to", "subject", "created_at", "headers", "html")
        assert [ours[name] for name in shared] == [theirs[name] for name in shared]
    listed = api.get("/emails", params={"limit": 100}).json()["data"]
    assert [email["id"] for email in listed] == [
        email["id"] for email in v1.get("/emails", params={"limit": 100}).json()["data"]
    ]
    v1.post("/suppressions", json={"email": "left@example.org"}).raise_for_status()
    refused = email_of("shared", to=["left@example.org"])
    assert (api.post("/emails", json=refused).status_code, v1.post("/emails", json=refused).status_code) == (
        400,
        422,
    )


def test_a_list_has_twenty_emails_by_default(api: httpx.Client) -> None:
    """S-14."""
    api.post("/emails/batch", json={"emails": [email_of("shared")] * 21}).raise_for_status()
    assert len(api.get("/emails").json()["data"]) == 20

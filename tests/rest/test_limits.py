"""Limits of an organisation, and their headers and errors: Z-24, Z-25, Z-43 to Z-46, C-2, C-13, C-42, F-9."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from limits import parse

from edge.settings import Settings
from tests.harness.stack import Stack
from tests.harness.waiting import until_the_day_is_long
from tests.rest.golden import Golden
from tests.unit.edge.conftest import serve_edge

ApiOf = Callable[[str], httpx.Client]


@pytest.fixture(autouse=True)
def day() -> None:
    """One day that each test lies in."""
    until_the_day_is_long()


def email(name: str, **fields: object) -> dict[str, object]:
    """An email from the domain of the organisation `name`."""
    return {
        "from": f"Acme <hello@{name}.example.com>",
        "to": ["ada@example.org"],
        "subject": "Your order",
        "text": "It is on its way.",
        **fields,
    }


def test_send_returns_remaining_quota_in_headers(api_of: ApiOf, golden: Golden) -> None:
    """F-9, Z-44: each address counts once."""
    free = api_of("free")
    body = email("free", cc=["bob@example.org"], bcc=["ADA@example.org"])
    golden.check("limits/send", free.post("/v1/emails", json=body))
    golden.check("limits/batch", free.post("/v1/emails/batch", json=[email("free")]))


def test_usage_shows_limits_and_used_amounts(api_of: ApiOf, golden: Golden) -> None:
    """F-9, Z-43."""
    golden.check("usage/get", api_of("idle").get("/v1/usage"))


def test_unlimited_plan_shows_no_limits(api: httpx.Client) -> None:
    """F-9."""
    answer = api.post("/v1/emails", json=email("x", **{"from": "a@mail.example.com"}))
    assert answer.status_code == 200
    assert "ratelimit-limit" not in answer.headers


def test_send_over_the_daily_quota_is_refused(api_of: ApiOf, golden: Golden) -> None:
    """Z-8, Z-43 to Z-45, C-13, F-9: a request that does not fit entirely sends nothing."""
    api = api_of("daily")
    assert api.post("/v1/emails", json=email("daily")).headers["ratelimit-remaining"] == "1"
    two = email("daily", to=["a@example.org", "b@example.org"])
    golden.check("errors/daily-quota", api.post("/v1/emails", json=two))
    golden.check("errors/daily-quota-batch", api.post("/v1/emails/batch", json=[email("daily")] * 2))
    assert api.get("/v1/emails").json()["total"] == 1
    assert api.post("/v1/emails", json=email("daily")).headers["ratelimit-remaining"] == "0"


def test_send_over_the_monthly_quota_is_refused(api_of: ApiOf, golden: Golden) -> None:
    """Z-8, Z-43 to Z-45, F-9."""
    api = api_of("monthly")
    three = [f"{name}@example.org" for name in "abc"]
    golden.check("errors/monthly-quota", api.post("/v1/emails", json=email("monthly", to=three)))
    assert api.get("/v1/emails").json()["total"] == 0


def test_send_over_the_unique_recipient_cap_is_refused(api_of: ApiOf, golden: Golden) -> None:
    """Z-43, C-2: 429, since next month it fits."""
    api = api_of("unique")
    three = [f"{name}@example.org" for name in "abc"]
    golden.check("errors/recipient-cap", api.post("/v1/emails", json=email("unique", to=three)))


def test_send_over_the_burst_limit_is_refused(api_of: ApiOf, golden: Golden) -> None:
    """Z-43, Z-46, F-9."""
    golden.check("errors/burst-limit", api_of("burst").post("/v1/emails", json=email("burst")))


def test_sandbox_sends_to_the_owner_only(api_of: ApiOf, golden: Golden) -> None:
    """Z-8, Z-25."""
    api = api_of("sandbox")
    golden.check("errors/sandbox", api.post("/v1/emails", json=email("sandbox")))
    own = email("sandbox", to=["Owner@sandbox.example.com"])
    assert api.post("/v1/emails", json=own).status_code == 200


def test_paused_organisation_can_read_and_cannot_send(api_of: ApiOf, golden: Golden) -> None:
    """Z-8, C-42, C-69, S-19."""
    api = api_of("paused")
    golden.check("errors/paused", api.post("/v1/emails", json=email("paused")))
    assert api.post("/v1/emails/batch", json=[email("paused")]).status_code == 403
    assert api.get("/v1/emails").status_code == 200


def test_health_of_an_account_shows_its_state_rates_and_history(api_of: ApiOf, golden: Golden) -> None:
    """S-19, S-20, C-43, C-69."""
    golden.check("account/health", api_of("idle").get("/v1/account/health"))
    golden.check("account/health-paused", api_of("paused").get("/v1/account/health"))


def test_change_of_an_account_is_an_event(api_of: ApiOf, golden: Golden) -> None:
    """C-69."""
    golden.check("account/events", api_of("paused").get("/v1/events?types=account.paused"))


def test_banned_organisation_is_refused_everywhere(api_of: ApiOf, golden: Golden) -> None:
    """C-42, C-69, S-19."""
    api = api_of("banned")
    golden.check("errors/banned", api.get("/v1/emails"))
    golden.check_same("errors/banned", api.post("/v1/emails", json=email("banned")))


async def test_requests_over_the_rate_of_one_address_are_refused(rest: Stack, golden: Golden) -> None:
    """Z-8, Z-46, C-47, F-9."""
    settings = replace(Settings(server=rest.grpc), ip_limit=parse("1/hour"))
    headers = {"authorization": f"Bearer {rest.orgs['idle'].api_key}"}
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        golden.check("limits/requests", await client.get("/v1/webhooks"))
        golden.check("errors/too-many-requests", await client.get("/v1/webhooks"))


@pytest.mark.parametrize("mode", ["strict", "permissive"])
def test_suppressed_item_of_a_batch_is_recorded_and_the_rest_goes_out(api_of: ApiOf, mode: str) -> None:
    """C-51: the state of a list is no mistake of the caller."""
    api = api_of("free")
    api.post("/v1/suppressions", json={"email": "left@example.org"})
    before = api.get("/v1/usage").json()["daily"]["used"]
    to = ("one@example.org", "Left@Example.org", "two@example.org")
    batch = [email("free", to=[address]) for address in to]
    answer = api.post("/v1/emails/batch", json=batch, headers={"x-batch-validation": mode})
    assert answer.status_code == 200, answer.text
    first, recorded, last = answer.json()["data"]
    assert first.keys() == last.keys() == {"id"}
    assert recorded.keys() == {"id", "warning"}
    assert "left@example.org" in recorded["warning"].lower()
    assert api.get("/v1/usage").json()["daily"]["used"] == before + 2
    found = api.get(f"/v1/emails/{recorded['id']}").json()
    assert (found["status"], [event["type"] for event in found["events"]]) == (
        "suppressed",
        ["email.suppressed"],
    )
    assert api.get(f"/v1/emails/{first['id']}").json()["status"] in {"queued", "sent", "delivered"}


def test_refused_strict_batch_names_every_wrong_item(api_of: ApiOf) -> None:
    """C-51: what a look at the item shows, and what only the store knows."""
    foreign = email("free") | {"from": "a@elsewhere.example"}
    batch = [email("free"), email("free", to=["nobody"]), foreign, email("free", subject=None)]
    answer = api_of("free").post("/v1/emails/batch", json=batch)
    assert answer.status_code == 422
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert errors.keys() == {"emails[1].to[0]", "emails[2]", "emails[3].subject"}
    assert "elsewhere.example" in errors["emails[2]"]


@pytest.mark.parametrize("recipients", [[], ["fresh@example.org"]])
def test_suppressed_recipients_are_skipped_or_nothing_is_sent(
    api_of: ApiOf, golden: Golden, recipients: list[str]
) -> None:
    """Z-8, Z-24."""
    api = api_of("free")
    api.post("/v1/suppressions", json={"email": "gone@example.org"})
    body = email("free", to=["gone@example.org", *recipients])
    before = api.get("/v1/usage").json()["daily"]["used"]
    answer = api.post("/v1/emails/batch", json=[body]) if recipients else api.post("/v1/emails", json=body)
    if recipients:
        golden.check("emails/some-suppressed", answer)
    else:
        golden.check("errors/all-suppressed", answer)
    assert api.get("/v1/usage").json()["daily"]["used"] == before + len(recipients)


def test_repeated_send_returns_the_present_quota(api_of: ApiOf) -> None:
    """F-1, F-9: the answer is the first one's, the quota is today's."""
    api = api_of("repeating")

    def post(path: str, body: object) -> httpx.Response:
        return api.post(path, json=body, headers={"idempotency-key": f"once{path}"})

    bodies = {"/v1/emails": email("repeating"), "/v1/emails/batch": [email("repeating")]}
    first = [post(path, body) for path, body in bodies.items()]
    again = [post(path, body) for path, body in bodies.items()]
    assert [answer.headers["ratelimit-remaining"] for answer in (*first, *again)] == ["2", "1", "1", "1"]
    assert [answer.json() for answer in again] == [answer.json() for answer in first]
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}
    assert api.post("/v1/emails", json=email("repeating")).headers["ratelimit-remaining"] == "0"
    assert {post(path, body).headers["ratelimit-remaining"] for path, body in bodies.items()} == {"0"}

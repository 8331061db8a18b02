"""An organisation owns as many things as its plan allows; beyond that the answer names the limit (C-88)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.stack import Stack
from tests.rest.conftest import client
from tests.rest.golden import Golden

HOOKS = "/v1/webhooks"


@pytest.fixture
def full(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation that may own one of each thing."""
    return api_of("full")


def hook(number: int, *events: str) -> dict[str, Any]:
    return {"url": f"https://127.0.0.1:9/{number}", "events": list(events or ["email.sent"])}


def scheduled() -> dict[str, Any]:
    time = datetime.now(UTC) + timedelta(days=3)
    fields = {"from": "a@full.example.com", "to": ["ok@example.net"], "subject": "s", "text": "t"}
    return fields | {"scheduled_at": time.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def test_second_webhook_with_the_same_url_and_events_is_409(api: httpx.Client, golden: Golden) -> None:
    """C-88."""
    first = api.post(HOOKS, json=hook(1, "email.sent", "email.bounced"))
    assert first.status_code == 201
    golden.check("errors/webhook-exists", api.post(HOOKS, json=hook(1, "email.bounced", "email.sent")))
    other = api.post(HOOKS, json=hook(1, "email.sent"))
    assert other.status_code == 201
    changed = api.patch(f"{HOOKS}/{other.json()['id']}", json={"events": ["email.bounced", "email.sent"]})
    assert changed.status_code == 409
    for made in (first, other):
        api.delete(f"{HOOKS}/{made.json()['id']}")


def test_one_thing_more_than_the_plan_allows_is_422(rest: Stack, full: httpx.Client, golden: Golden) -> None:
    """C-88."""
    webhook = full.post(HOOKS, json=hook(1))
    assert webhook.status_code == 201
    golden.check("errors/limit-webhooks", full.post(HOOKS, json=hook(2)))
    golden.check("errors/limit-domains", full.post("/v1/domains", json={"domain": "more.example.com"}))
    with client(rest, rest.orgs["full"].jwt) as session:
        golden.check("errors/limit-api-keys", session.post("/v1/api-keys", json={"name": "another"}))
    waiting = full.post("/v1/emails", json=scheduled())
    assert waiting.status_code == 200
    golden.check("errors/limit-scheduled", full.post("/v1/emails", json=scheduled()))
    assert full.post(f"/v1/emails/{waiting.json()['id']}/cancel").status_code == 200
    again = full.post("/v1/emails", json=scheduled())
    assert again.status_code == 200
    full.post(f"/v1/emails/{again.json()['id']}/cancel")


def test_zsend_names_number_and_limit_too(full: httpx.Client) -> None:
    """C-88, in the statuses of zsend (S-2)."""
    listed = full.get(HOOKS).json()["data"]
    if not listed:
        assert full.post(HOOKS, json=hook(1)).status_code == 201
    email = {"from": "a@full.example.com", "to": "ok@example.net", "subject": "s", "text": "t"}
    time = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first, second = (full.post("/api/v1/zsend/emails", json=email | {"scheduledAt": time}) for _ in range(2))
    assert first.status_code == 200, first.text
    assert second.status_code == 400
    assert "1 scheduled emails" in second.json()["message"]

"""Changing a webhook, and replaying its calls: F-3, section D."""

import datetime
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

NOWHERE = "0" * 24
HOOKS = "/v1/webhooks"


@pytest.fixture
def hook(api: httpx.Client) -> Iterator[str]:
    """The id of a webhook whose receiver is not there."""
    body = {"url": "https://127.0.0.1:9/hook", "events": ["email.sent"]}
    id = api.post(HOOKS, json=body).json()["id"]
    yield id
    api.delete(f"{HOOKS}/{id}")


def ago(days: float) -> str:
    time = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_webhook_is_updated(api: httpx.Client, hook: str, golden: Golden) -> None:
    """F-3, section D: `endpoint` is Resend's name, and the body may repeat the id."""
    golden.check("webhooks/get", api.get(f"{HOOKS}/{hook}"))
    body = {"webhook_id": hook, "endpoint": "https://127.0.0.1:9/new", "events": ["email.bounced"]}
    golden.check("webhooks/update", api.patch(f"{HOOKS}/{hook}", json=body))
    golden.check("webhooks/disable", api.patch(f"{HOOKS}/{hook}", json={"status": "disabled"}))
    golden.check("errors/webhook-disabled", api.post(f"{HOOKS}/{hook}/test"))
    golden.check("errors/webhook-status", api.patch(f"{HOOKS}/{hook}", json={"status": "broken"}))


def test_update_to_no_events_is_refused(api: httpx.Client, hook: str, golden: Golden) -> None:
    """Z-38: a change to no events is refused, not passed over."""
    golden.check("errors/webhook-no-events", api.patch(f"{HOOKS}/{hook}", json={"events": []}))
    assert api.patch(f"{HOOKS}/{hook}", json={"events": None}).json()["events"] == ["email.sent"]


def test_a_secret_is_rotated(api: httpx.Client, hook: str, golden: Golden) -> None:
    """F-3, section D."""
    golden.check("webhooks/rotate", api.post(f"{HOOKS}/{hook}/signing-secret/rotate", json={}))


def test_webhook_call_is_tested_shown_and_replayed(api: httpx.Client, hook: str, golden: Golden) -> None:
    """F-3, section D."""
    test = api.post(f"{HOOKS}/{hook}/test")
    golden.check("webhooks/test", test)
    events = f"{HOOKS}/{hook}/events"
    event = f"{events}/{test.json()['event_id']}"

    def attempted() -> Any:
        return api.get(event).json()["attempts"]

    until_sync(attempted)
    golden.check("webhooks/event", api.get(event))
    golden.check("webhooks/events", api.get(events, params={"limit": 1, "status": "attempting"}))
    golden.check("webhooks/attempts", api.get(f"{event}/attempts"))
    golden.check("webhooks/replay", api.post(f"{event}/replay"))
    golden.check("webhooks/replay-since", api.post(f"{HOOKS}/{hook}/replay", json={"since": ago(1)}))
    golden.check("errors/replay-too-old", api.post(f"{HOOKS}/{hook}/replay", json={"since": ago(31)}))
    golden.check("errors/webhook-event-not-found", api.get(f"{events}/{NOWHERE}"))


def test_list_continues_after_an_id(api: httpx.Client, hook: str) -> None:
    """Section D: Resend's clients page with `after` and `before`."""
    second = api.post(HOOKS, json={"url": "https://127.0.0.1:9/2", "events": ["email.sent"]}).json()["id"]
    newest = api.get(HOOKS, params={"limit": 1}).json()
    assert [entry["id"] for entry in newest["data"]] == [second]
    assert newest["has_more"]
    assert api.get(HOOKS, params={"limit": 1, "after": second}).json()["data"][0]["id"] == hook
    before = api.get(HOOKS, params={"limit": 1, "before": hook}).json()
    assert [entry["id"] for entry in before["data"]] == [second]
    assert not before["has_more"]
    api.delete(f"{HOOKS}/{second}")

"""Suppressions by REST, with Resend's shapes (contract row F-4, section D)."""

from urllib.parse import quote

import httpx
import pytest
import resend

from tests.harness.stack import Stack
from tests.rest.golden import Golden


@pytest.fixture
def sdk(rest: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resend's SDK, pointed at the stack."""
    monkeypatch.setattr(resend, "api_url", f"{rest.http}/v1")
    monkeypatch.setattr(resend, "api_key", rest.api_key)


def test_suppression_is_created_shown_and_deleted(api: httpx.Client, golden: Golden) -> None:
    """F-4, section D: in a path an address comes percent-encoded or raw."""
    golden.check("suppressions/create", api.post("/v1/suppressions", json={"email": "Gone@Example.org"}))
    again = api.post("/v1/suppressions", json={"email": "gone@example.org"})
    golden.check_same("suppressions/create", again)
    golden.check("suppressions/get", api.get(f"/v1/suppressions/{again.json()['id']}"))
    for written in ("gone@example.org", quote("gone@example.org", safe="")):
        golden.check_same("suppressions/get", api.get(f"/v1/suppressions/{written}"))
    golden.check("suppressions/delete", api.delete("/v1/suppressions/gone%40example.org"))
    golden.check("errors/suppression-not-found", api.get("/v1/suppressions/gone@example.org"))


def test_suppressions_are_created_and_deleted_in_batches(api: httpx.Client, golden: Golden) -> None:
    """F-4, C-7, section D."""
    batch = {"emails": ["one@batch.example.org", "two@batch.example.org"]}
    added = api.post("/v1/suppressions/batch/add", json=batch)
    golden.check("suppressions/batch-add", added)
    golden.check("suppressions/list", api.get("/v1/suppressions", params={"search": "@batch."}))
    one, two = added.json()["data"]
    by_id = api.post("/v1/suppressions/batch/remove", json={"ids": [one["id"]]})
    golden.check("suppressions/batch-remove", by_id)
    by_address = api.post(
        "/v1/suppressions/batch/remove", json={"emails": [two["email"], "never@example.org"]}
    )
    assert [entry["id"] for entry in by_address.json()["data"]] == [two["id"]]


def test_invalid_suppression_is_refused(api: httpx.Client, golden: Golden) -> None:
    """F-4."""
    golden.check("errors/suppression-address", api.post("/v1/suppressions", json={"email": "nobody"}))
    golden.check("errors/suppression-batch", api.post("/v1/suppressions/batch/add", json={"emails": []}))


@pytest.mark.usefixtures("sdk")
def test_resends_sdk_manages_suppressions() -> None:
    added = resend.Suppressions.add({"email": "sdk@example.org"})
    assert added["object"] == "suppression"
    shown = resend.Suppressions.get("sdk@example.org")
    assert (shown["id"], shown["origin"], shown["source_id"]) == (added["id"], "manual", None)
    listed = resend.Suppressions.list({"origin": "manual", "limit": 10})
    assert added["id"] in [entry["id"] for entry in listed["data"]]
    assert resend.Suppressions.remove(added["id"])["deleted"] is True
    batch = resend.Suppressions.Batch.add({"emails": ["a@sdk.example.org", "b@sdk.example.org"]})
    ids = [entry["id"] for entry in batch["data"]]
    removed = resend.Suppressions.Batch.remove({"ids": ids})
    assert [(entry["id"], entry["deleted"]) for entry in removed["data"]] == [(id, True) for id in ids]

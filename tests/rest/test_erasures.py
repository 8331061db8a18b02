"""The erasure of a recipient's data by REST (contract row F-13)."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

ADA, BOB = "ada.lovelace@erasing.example.org", "bob@erasing.example.org"


@pytest.fixture
def owner(session_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The session of an owner of an organisation that no other file uses."""
    return session_of("erasing")


@pytest.fixture
def key(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of the same organisation."""
    return api_of("erasing")


def everything(key: httpx.Client, owner: httpx.Client, ids: list[str]) -> str:
    """All that the organisation can read."""

    def texts() -> Iterator[str]:
        for path in ("/v1/emails", "/v1/events", "/v1/suppressions", *(f"/v1/emails/{id}" for id in ids)):
            yield key.get(path, params={"limit": 100}).text
        for path in ("/v1/contacts", "/v1/audit-log", "/v1/erasures"):
            yield owner.get(path, params={"limit": 100}).text

    return "".join(texts())


def test_recipient_is_erased(rest: Stack, owner: httpx.Client, key: httpx.Client, golden: Golden) -> None:
    """F-13."""
    sender = f"shop@{rest.orgs['erasing'].domain}"
    given = {"from": sender, "subject": "For Ada Lovelace", "text": f"Dear {ADA}"}
    alone = key.post("/v1/emails", json={**given, "to": f"Ada Lovelace <{ADA}>"}).json()["id"]
    both = key.post("/v1/emails", json={**given, "subject": "Hello", "to": [BOB, ADA.upper()]}).json()["id"]
    owner.post("/v1/contacts", json={"email": ADA, "first_name": "Ada"})
    owner.delete(f"/v1/suppressions/{ADA}")
    until_sync(lambda: key.get(f"/v1/emails/{both}").json()["status"] == "delivered")
    assert "lovelace" in everything(key, owner, [alone, both]).lower()
    assert list(rest.captured.glob(f"{both}.*.eml"))
    begun = owner.post("/v1/erasures", json={"email": f"Ada <{ADA.title()}>"})
    golden.check("erasures/create", begun)
    shown = f"/v1/erasures/{begun.json()['id']}"
    until_sync(lambda: owner.get(shown).json()["status"] == "completed")
    golden.check("erasures/get", owner.get(shown))
    golden.check("erasures/list", owner.get("/v1/erasures"))
    assert "lovelace" not in everything(key, owner, [alone, both]).lower()
    assert not list(rest.captured.glob(f"{both}.*.eml"))
    left = key.get(f"/v1/emails/{both}").json()
    assert left["to"] == [BOB, begun.json()["stand_in"]]
    refused = key.post("/v1/emails", json={**given, "to": ADA})
    assert (refused.status_code, refused.json()["name"]) == (422, "validation_error")
    assert "suppressed" in refused.json()["message"]
    entry = owner.get("/v1/audit-log").json()["data"][0]
    assert (entry["method"], entry["target_id"]) == ("AccountService/CreateErasure", begun.json()["id"])


def test_wrong_requests_are_refused(
    rest: Stack, owner: httpx.Client, key: httpx.Client, golden: Golden
) -> None:
    """F-13, C-9, C-48."""
    golden.check("errors/erasure-not-found", owner.get("/v1/erasures/000000000000000000000000"))
    for body in ({}, {"email": ""}, {"email": "ada"}):
        assert owner.post("/v1/erasures", json=body).status_code == 422
    assert key.post("/v1/erasures", json={"email": ADA}).status_code == 401
    logs = "".join(path.read_text() for path in rest.data_dir.glob("*.log"))
    assert "lovelace" not in json.dumps(logs).lower()

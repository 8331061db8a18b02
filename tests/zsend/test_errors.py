"""Errors: S-1, S-2, S-16, S-18, S-19, C-6, C-21, C-23, C-66."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.harness.stack import Stack
from tests.rest.golden import Golden
from tests.zsend.conftest import client
from tests.zsend.emails import ahead, email_of

ApiOf = Callable[[str], httpx.Client]


@pytest.mark.parametrize("token", ["", "x", "zs_" + "0" * 24 + "_" + "0" * 64])
def test_no_or_a_wrong_key_is_the_documented_401(zsend: Stack, golden: Golden, token: str) -> None:
    """S-1."""
    with client(zsend, token) as stranger:
        answer = stranger.get("/emails")
    assert answer.json() == {"error": "unauthorized", "message": "Invalid or missing API key"}
    golden.check_answer(answer)
    if not token:
        golden.check("errors/no-key", answer)


def test_a_session_may_read_but_not_send(zsend: Stack, golden: Golden) -> None:
    """C-9, S-2."""
    with client(zsend, zsend.orgs["shop"].jwt) as session:
        golden.check("errors/session", session.post("/emails", json=email_of("shop")))
        session.get("/emails").raise_for_status()


def test_keys_have_permissions_and_domains(zsend: Stack, golden: Golden) -> None:
    """V-5, S-16, C-44: keys that begin with zs_ are valid on both prefixes."""
    with httpx.Client(
        base_url=zsend.http, headers={"authorization": f"Bearer {zsend.orgs['shop'].jwt}"}, timeout=30
    ) as session:

        def key(**fields: Any) -> str:
            made = session.post(
                "/v1/api-keys", json={"name": "x", "style": "zs", **fields}
            ).raise_for_status()
            key: str = made.json()["key"]
            assert key.startswith("zs_")
            return key

        reader, sender = key(permission="read_only"), key(permission="send_only")
        all_of_it = key(permission="all")
        session.post("/v1/domains", json={"domain": "elsewhere.example.com"}).raise_for_status()
        bound = key(permission="send_only", allowed_domains=["elsewhere.example.com"])
    with client(zsend, reader) as api:
        api.get("/emails").raise_for_status()
        golden.check("errors/read-only", api.post("/emails", json=email_of("shop")))
    with client(zsend, sender) as api:
        api.post("/emails", json=email_of("shop")).raise_for_status()
    with client(zsend, bound) as api:
        refused = api.post("/emails", json=email_of("shop"))
        assert refused.json() == {
            "error": "permission denied",
            "message": "API key does not have permission to send from this domain",
        }
        golden.check("errors/domain-not-allowed", refused)
    with client(zsend, all_of_it) as api:
        api.post("/emails", json=email_of("shop")).raise_for_status()
        assert httpx.get(f"{zsend.http}/v1/emails", headers=api.headers).status_code == 200


def test_a_domain_that_is_not_verified_is_403(api: httpx.Client, golden: Golden) -> None:
    """S-16, C-23."""
    golden.check("errors/domain", api.post("/emails", json=email_of("unknown")))


@pytest.mark.parametrize("path", ["/emails", "/emails/schedule", "/emails/batch"])
def test_every_kind_of_send_beyond_the_daily_quota_is_the_documented_429(api_of: ApiOf, path: str) -> None:
    """S-18, C-21: reads still work."""
    api = api_of("daily")
    while (first := api.post("/emails", json=email_of("daily"))).status_code == 200:
        pass
    email = (
        email_of("daily", scheduled_at=ahead(minutes=1)) if path == "/emails/schedule" else email_of("daily")
    )
    answer = api.post(path, json={"emails": [email]} if path == "/emails/batch" else email)
    for refused in (first, answer):
        assert refused.status_code == 429
        body = refused.json()
        assert re.fullmatch(
            r"daily quota exceeded \(2/2\), resets at \d{4}-\d\d-\d\d 00:00:00", body["error"]
        )
        assert body["message"]
        assert body["resetsAt"].endswith("T00:00:00.000Z")
        assert int(refused.headers["retry-after"]) > 0
    assert api.get("/emails").json()["total"] == 2


@pytest.mark.parametrize("name", ["monthly", "unique", "burst"])
def test_other_quotas_are_429(api_of: ApiOf, golden: Golden, name: str) -> None:
    """S-2, C-2, C-13."""
    to = [f"a{at}@example.org" for at in range(3)]
    answer = api_of(name).post("/emails", json=email_of(name, to=to))
    assert answer.status_code == 429
    golden.check(f"errors/quota-{name}", answer)


def test_the_daily_quota_has_a_golden_file(api_of: ApiOf, golden: Golden) -> None:
    """S-18, C-21: a request that does not fit entirely sends nothing."""
    to = [f"a{at}@example.org" for at in range(3)]
    golden.check("errors/quota-daily", api_of("daily").post("/emails", json=email_of("daily", to=to)))


def test_account_states(api_of: ApiOf, golden: Golden) -> None:
    """S-19, C-28, C-69."""
    review = api_of("review")
    id = review.post("/emails", json=email_of("review")).raise_for_status().json()["id"]
    assert review.get(f"/emails/{id}").json()["mal_status"] == "review"
    paused = api_of("paused")
    golden.check("errors/paused", paused.post("/emails", json=email_of("paused")))
    paused.get("/emails").raise_for_status()
    banned = api_of("banned").get("/emails")
    assert (banned.status_code, banned.json()["error"]) == (401, "unauthorized")
    golden.check("errors/banned", banned)


def test_sandbox_sends_to_the_owner_only(api_of: ApiOf, golden: Golden) -> None:
    """C-70, Z-25."""
    golden.check("errors/sandbox", api_of("sandbox").post("/emails", json=email_of("sandbox")))


def test_statuses_beyond_the_documented_ones_are_400_or_404(api: httpx.Client, golden: Golden) -> None:
    """C-66, C-6."""
    golden.check("errors/method", api.put("/emails", json={}))
    golden.check("errors/route", api.get("/nothing"))
    golden.check("errors/unknown-email", api.get(f"/emails/{'0' * 24}"))
    golden.check(
        "errors/json", api.post("/emails", content=b"{", headers={"content-type": "application/json"})
    )
    golden.check(
        "errors/media-type", api.post("/emails", content=b"a=b", headers={"content-type": "text/plain"})
    )
    charset = {"content-type": "application/json; charset=utf-16"}
    golden.check("errors/charset", api.post("/emails", content=b"{}", headers=charset))

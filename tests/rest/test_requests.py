"""Requests that every route of `/v1` refuses or tolerates: Z-1, Z-8, Z-9, section D."""

from typing import Any

import httpx
import pytest

from edge.settings import Settings
from tests.harness.stack import Stack
from tests.rest.golden import Golden
from tests.rest.test_emails import EMAIL
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer

NOWHERE = "0" * 24


def test_no_credential_is_401(stranger: httpx.Client, golden: Golden) -> None:
    """Z-1."""
    golden.check("errors/no-credential", stranger.get("/v1/emails"))


def test_invalid_credential_is_401(stranger: httpx.Client, golden: Golden) -> None:
    """Z-1."""
    malformed = {"authorization": "Bearer zm_live_1_2"}
    golden.check("errors/invalid-credential", stranger.get("/v1/emails", headers=malformed))
    for token in ("zm_live_1_2", "x", f"zm_live_{NOWHERE}_{'0' * 64}", "eyJhbGciOiJub25lIn0.e30."):
        headers = {"authorization": f"Bearer {token}"}
        golden.check_same("errors/invalid-credential", stranger.get("/v1/emails", headers=headers))
        answer = stranger.post("/v1/emails", content=b"{", headers=headers)
        golden.check_same("errors/invalid-credential", answer)


def test_a_revoked_key_is_401(session: httpx.Client, stranger: httpx.Client, golden: Golden) -> None:
    """Z-1, Z-2."""
    key = session.post("/v1/api-keys", json={"name": "short-lived"}).json()
    session.delete(f"/v1/api-keys/{key['id']}")
    answer = stranger.get("/v1/emails", headers={"authorization": f"Bearer {key['key']}"})
    golden.check_same("errors/invalid-credential", answer)


def test_an_unknown_route_is_404(api: httpx.Client, golden: Golden) -> None:
    """Z-7, Z-8."""
    golden.check("errors/no-route", api.get("/v1/nothing"))


def test_a_wrong_method_is_405_and_names_the_right_ones(api: httpx.Client, golden: Golden) -> None:
    """C-6."""
    golden.check("errors/wrong-method", api.put("/v1/emails"))


def test_a_wrong_media_type_is_415(api: httpx.Client, golden: Golden) -> None:
    """C-6."""
    golden.check("errors/media-type", api.post("/v1/emails", data={"from": "a@b.c"}))


@pytest.mark.parametrize(("name", "body"), [("truncated", b'{"from": '), ("array", b"[]")])
def test_a_body_that_is_no_json_object_is_400(
    api: httpx.Client, golden: Golden, name: str, body: bytes
) -> None:
    """C-6."""
    golden.check(f"errors/body-{name}", api.post("/v1/emails", content=body))


def test_a_body_in_another_encoding_is_415(api: httpx.Client, golden: Golden) -> None:
    """C-62."""
    golden.check("errors/body-utf-8", api.post("/v1/emails", content=b'{"subject": "\xff"}'))


@pytest.mark.parametrize("path", ["/v1/emails/batch", "/v1/emails", "/v1/domains", "/v1/webhooks"])
def test_a_body_above_two_mebibytes_is_413(api: httpx.Client, golden: Golden, path: str) -> None:
    """Z-9, C-1; the connection goes on."""
    huge = b'{"subject": "' + b"x" * (2 << 20) + b'"}'
    answer = api.post(path, content=huge)
    if path == "/v1/emails/batch":
        golden.check("errors/body-too-large", answer)
    golden.check_same("errors/body-too-large", answer)
    golden.check_same("errors/body-too-large", api.post(path, content=iter([huge])))
    assert api.get("/v1/emails").status_code == 200


def test_a_body_just_below_two_mebibytes_is_taken(api: httpx.Client) -> None:
    """Z-9."""
    body = {"from": "a@mail.example.com", "to": "a@example.org", "subject": "large", "text": "x" * 2_096_900}
    assert api.post("/v1/emails", json=body).status_code == 200


@pytest.mark.parametrize("path", ["/v1/emails/", "//v1//emails", "/v1/emails//", "/v1/%65mails"])
def test_redundant_slashes_and_escapes_in_a_path_are_ignored(
    api: httpx.Client, rest: Stack, path: str
) -> None:
    """Section D."""
    answer = httpx.get(f"{rest.http}{path}", headers=api.headers)
    assert answer.status_code == 200
    assert answer.json()["object"] == "list"


def test_body_of_a_get_request_is_ignored(api: httpx.Client) -> None:
    """Section D."""
    assert api.request("GET", "/v1/emails", json={}).status_code == 200
    empty = api.request("GET", "/v1/emails", headers={"content-type": "application/json"})
    assert empty.status_code == 200


async def test_internal_failure_is_500_with_a_request_id(golden: Golden) -> None:
    """Z-7, Z-8: a server that lacks a method stands for any failure that is not the caller's."""
    server, target = await EmailServer().serve()
    headers = {"authorization": "Bearer zm_live_1_2"}
    async with (
        serve_edge(Settings(server=target)) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        golden.check("errors/internal", await client.get("/v1/domains"))
    await server.stop(grace=0)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"to": 7}, "to", "must be a string or an array, not a number"),
        ({"replyTo": {"name": "x"}}, "replyTo", "must be a string or an array, not an object"),
        ({"tags": "x"}, "tags", "must be an array or an object, not a string"),
        ({"to": [""]}, "to[0]", "is empty: write an address such as name@example.com"),
        (
            {"text": "", "template": {"id": "welcome"}},
            "template",
            "templates are not available: send `html` or `text`",
        ),
    ],
)
def test_refusal_says_all_that_would_be_taken(
    api: httpx.Client, fields: dict[str, Any], field: str, message: str
) -> None:
    """C-17, section D."""
    answer = api.post("/v1/emails", json={**EMAIL, **fields})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": message}]

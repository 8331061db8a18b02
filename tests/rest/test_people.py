"""Registration, login and passwords by REST: Z-3, Z-4, Z-46, C-9, C-10, C-47, C-75, C-78."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from limits import parse

from edge.settings import Settings
from server.accounts.rules import FREE_ATTEMPTS
from tests.harness.mailbox import mail_to, token_in
from tests.harness.stack import Stack
from tests.rest.golden import Golden
from tests.unit.edge.conftest import serve_edge

APP_URL = "http://127.0.0.1:8080"
PASSWORD, NEW = "correct horse battery", "staple battery horse"
ADA = {"email": "ada@people.example.com", "password": PASSWORD}


def bearer(answer: httpx.Response) -> dict[str, str]:
    """The header with the token of a login."""
    return {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture(scope="module")
def browser(rest: Stack) -> Iterator[httpx.Client]:
    """A browser on one of our pages: it keeps cookies and names the origin."""
    with httpx.Client(base_url=rest.http, headers={"origin": APP_URL}, timeout=30) as browser:
        yield browser


@pytest.fixture(scope="module")
def register(rest: Stack) -> Callable[[str], dict[str, str]]:
    """Makes a person with an account; returns the address and the password."""

    def registered(email: str) -> dict[str, str]:
        body = {"email": email, "password": PASSWORD}
        assert httpx.post(f"{rest.http}/v1/auth/register", json=body).status_code == 200
        token = token_in(mail_to(rest.captured, email, "Confirm your address"))
        assert httpx.post(f"{rest.http}/v1/auth/confirm", json={"token": token}).status_code == 200
        return body

    return registered


def test_a_person_registers_and_confirms_the_address(
    stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-10, C-78; a link works once."""
    body = {**ADA, "name": "Ada Lovelace", "organisation": "Analytical Engines"}
    golden.check("auth/register", stranger.post("/v1/auth/register", json=body))
    token = token_in(mail_to(rest.captured, ADA["email"], "Confirm your address"))
    golden.check("auth/confirm", stranger.post("/v1/auth/confirm", json={"token": token}))
    golden.check("errors/link-not-valid", stranger.post("/v1/auth/confirm", json={"token": token}))
    golden.check_same("auth/register", stranger.post("/v1/auth/register", json=body))
    mail_to(rest.captured, ADA["email"], "You have an account already")


def test_login_sets_the_cookie_and_logout_removes_it(
    register: Callable[[str], dict[str, str]], browser: httpx.Client, golden: Golden
) -> None:
    """Z-3, C-10, C-75."""
    body = register("cookie@people.example.com")
    login = browser.post("/v1/auth/login", json=body)
    golden.check("auth/login", login)
    assert browser.cookies["zm_token"] == login.json()["token"]
    golden.check("auth/me", browser.get("/v1/auth/me"))
    golden.check("auth/logout", browser.post("/v1/auth/logout"))
    assert "zm_token" not in browser.cookies
    assert browser.get("/v1/auth/me").status_code == 401
    assert browser.get("/v1/auth/me", headers=bearer(login)).status_code == 401


def test_password_is_reset_by_a_link(
    register: Callable[[str], dict[str, str]], stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-10, C-75: the link works once, and all sessions end; an unknown address gets the same answer."""
    body = register("forgetful@people.example.com")
    session = bearer(stranger.post("/v1/auth/login", json=body))
    asked = stranger.post("/v1/auth/password/forgot", json={"email": body["email"]})
    golden.check("auth/forgot", asked)
    unknown = stranger.post("/v1/auth/password/forgot", json={"email": "nobody@people.example.com"})
    assert unknown.json() == {**asked.json(), "email": "nobody@people.example.com"}
    token = token_in(mail_to(rest.captured, body["email"], "Set a new password"))
    golden.check(
        "auth/reset", stranger.post("/v1/auth/password/reset", json={"token": token, "password": NEW})
    )
    again = stranger.post("/v1/auth/password/reset", json={"token": token, "password": PASSWORD})
    golden.check_same("errors/link-not-valid", again)
    assert stranger.get("/v1/auth/me", headers=session).status_code == 401
    assert stranger.post("/v1/auth/login", json={**body, "password": NEW}).status_code == 200


def test_password_is_changed_with_the_present_one(
    register: Callable[[str], dict[str, str]], stranger: httpx.Client, golden: Golden
) -> None:
    """C-10."""
    body = register("careful@people.example.com")
    headers = bearer(stranger.post("/v1/auth/login", json=body))
    change = {"current_password": PASSWORD, "new_password": NEW}
    golden.check("auth/change", stranger.post("/v1/auth/password/change", json=change, headers=headers))
    short = {**change, "new_password": "short"}
    golden.check("errors/password", stranger.post("/v1/auth/password/change", json=short, headers=headers))
    assert stranger.post("/v1/auth/login", json=body).status_code == 401


def test_wrong_login_does_not_say_what_is_wrong(
    register: Callable[[str], dict[str, str]], stranger: httpx.Client, golden: Golden
) -> None:
    """C-10, Z-46: the same for an address without an account, also when there were too many."""
    known = {**register("target@people.example.com"), "password": "wrong password"}
    unknown = {**known, "email": "missing@people.example.com"}
    golden.check("errors/invalid-login", stranger.post("/v1/auth/login", json=known))
    golden.check_same("errors/invalid-login", stranger.post("/v1/auth/login", json=unknown))
    golden.check("errors/too-many-attempts", first_refused_attempt(stranger, known))
    golden.check_same("errors/too-many-attempts", first_refused_attempt(stranger, unknown))


def first_refused_attempt(client: httpx.Client, body: dict[str, str]) -> httpx.Response:
    """The first answer in a pause; the pauses grow, so that even a slow machine meets one."""
    for _ in range(FREE_ATTEMPTS + 10):
        answer = client.post("/v1/auth/login", json=body)
        if answer.status_code != 401:
            return answer
    raise AssertionError("no attempt was refused")


def test_login_in_an_organisation_of_others_is_refused(
    register: Callable[[str], dict[str, str]], rest: Stack, stranger: httpx.Client, golden: Golden
) -> None:
    """Z-3, C-48."""
    body = {**register("visitor@people.example.com"), "org_id": rest.owner.org_id}
    golden.check("errors/not-a-member", stranger.post("/v1/auth/login", json=body))


def test_registration_may_be_closed(tmp_path: Path, golden: Golden) -> None:
    """C-78."""
    with Stack(tmp_path, env={"ZIDIMAIL_REGISTRATION": "invite"}) as stack:
        golden.check("errors/registration-closed", httpx.post(f"{stack.http}/v1/auth/register", json=ADA))


def test_page_of_another_site_cannot_sign_a_visitor_in(
    register: Callable[[str], dict[str, str]], rest: Stack, golden: Golden
) -> None:
    """C-10: neither in as another person nor out, nor may it act with the visitor's cookie."""
    body = register("framed@people.example.com")
    foreign = {"origin": "https://evil.example"}
    with httpx.Client(base_url=rest.http, timeout=30) as browser:
        refused = browser.post("/v1/auth/login", json=body, headers=foreign)
        golden.check("errors/foreign-origin", refused)
        assert "zm_token" not in browser.cookies
        assert browser.post("/v1/auth/login", json=body, headers={"origin": APP_URL}).status_code == 200
        for headers in (
            foreign,
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"origin": APP_URL + ".evil.example"},
            {"origin": "http://127.0.0.1"},
            {},
        ):
            assert browser.post("/v1/auth/logout", headers=headers).status_code == 401, headers
            made = browser.post("/v1/api-keys", json={"name": "stolen"}, headers=headers)
            assert made.status_code == 401, headers
        assert browser.get("/v1/auth/me", headers={"sec-fetch-site": "cross-site"}).status_code == 401
        assert browser.get("/v1/auth/me").status_code == 200
        assert browser.get("/v1/api-keys").json()["data"] == []


def test_routes_of_sessions_and_of_keys_stay_apart(
    register: Callable[[str], dict[str, str]], stranger: httpx.Client, api: httpx.Client
) -> None:
    """Z-4, Z-11, C-9: neither credential opens what is the other's."""
    headers = bearer(stranger.post("/v1/auth/login", json=register("kinds@people.example.com")))
    email = {"from": "a@mail.example.com", "to": ["b@example.org"], "subject": "s", "text": "t"}
    with_session = stranger.post("/v1/emails", json=email, headers=headers)
    assert with_session.status_code == 401
    assert "API key" in with_session.json()["message"]
    for method, path in (("GET", "/v1/auth/me"), ("POST", "/v1/auth/logout"), ("POST", "/v1/api-keys")):
        with_key = api.request(method, path, json=None if method == "GET" else {"name": "x"})
        assert with_key.status_code == 401, path
        assert "session" in with_key.json()["message"], path


async def test_requests_that_sign_in_have_a_limit_of_their_own(rest: Stack, golden: Golden) -> None:
    """Z-46, C-47: stricter than that of all requests, and counted for each address."""
    settings = replace(Settings(server=rest.grpc), sign_in_ip_limit=parse("2/hour"))
    wrong = {"email": "limited@people.example.com", "password": PASSWORD}
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/v1/auth/login", json=wrong)).status_code == 401
        forgot = await client.post("/v1/auth/password/forgot", json={"email": wrong["email"]})
        assert forgot.status_code == 200
        for path in ("login", "register", "confirm", "password/forgot", "password/reset"):
            answer = await client.post(f"/v1/auth/{path}", json=wrong)
            assert answer.status_code == 429, path
            assert int(answer.headers["retry-after"]) > 0
        golden.check("errors/too-many-sign-ins", answer)
        # All else goes on.
        assert (await client.get("/v1/auth/me")).status_code == 401

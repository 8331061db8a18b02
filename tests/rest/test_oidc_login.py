"""Logins at an OpenID Connect provider by REST (contract rows Z-3, C-10, C-78)."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.mailbox import mail_to, token_in
from tests.harness.oidc_provider import OidcProvider
from tests.harness.stack import Stack
from tests.rest.golden import Golden

APP_URL = "http://127.0.0.1:8080"
PATH = "/v1/auth/oidc"


@pytest.fixture
def browser(rest: Stack) -> Iterator[httpx.Client]:
    """A browser on one of our pages: it keeps cookies and names the origin."""
    with httpx.Client(base_url=rest.http, headers={"origin": APP_URL}, timeout=30) as browser:
        yield browser


@pytest.fixture(autouse=True)
def works(provider: OidcProvider) -> Iterator[None]:
    """The provider works before and after each test."""
    yield
    provider.failures, provider.claims = {}, {}


def come_back(
    browser: httpx.Client, provider: OidcProvider, subject: str, **claims: object
) -> dict[str, str]:
    """Returns the code and the state of a browser whose person signed in there."""
    provider.add(subject, **claims)
    begun = browser.post(PATH, json={})
    assert begun.status_code == 200
    return provider.sign_in(begun.json()["authorization_url"], subject)


def test_person_signs_in_at_the_provider(
    browser: httpx.Client, provider: OidcProvider, golden: Golden
) -> None:
    """Z-3, C-10, C-70: the session is in the cookie, and the browser's secret is in no answer."""
    begun = browser.post(PATH, json={})
    golden.check("auth/oidc", begun)
    assert browser.cookies["zm_oidc"] not in begun.text
    provider.add("newcomer", email="newcomer@people.example.com", email_verified=True, name="New Comer")
    back = provider.sign_in(begun.json()["authorization_url"], "newcomer")
    assert back["state"] == begun.json()["state"]
    finished = browser.post(f"{PATH}/finish", json=back)
    golden.check("auth/oidc-finish", finished)
    assert browser.cookies["zm_token"] == finished.json()["token"]
    assert "zm_oidc" not in browser.cookies
    assert browser.get("/v1/auth/me").json()["user"]["email"] == "newcomer@people.example.com"
    golden.check("errors/oidc-login-not-valid", browser.post(f"{PATH}/finish", json=back))


def test_person_with_an_account_keeps_it(browser: httpx.Client, rest: Stack, provider: OidcProvider) -> None:
    """C-78: and gets a mail about the new way."""
    email = "keeper@people.example.com"
    body = {"email": email, "password": "correct horse battery"}
    assert browser.post("/v1/auth/register", json=body).status_code == 200
    token = token_in(mail_to(rest.captured, email, "Confirm your address"))
    made = browser.post("/v1/auth/confirm", json={"token": token}).json()
    back = come_back(browser, provider, "keeper", email=email, email_verified=True)
    assert browser.post(f"{PATH}/finish", json=back).json()["org_id"] == made["org_id"]
    mail_to(rest.captured, email, "A new way to sign in")


def test_login_belongs_to_the_browser_that_began_it(
    browser: httpx.Client, rest: Stack, provider: OidcProvider, golden: Golden
) -> None:
    """C-10: nobody signs a visitor in as another person, not even with the right code and state."""
    back = come_back(browser, provider, "framer", email="framer@people.example.com", email_verified=True)
    with httpx.Client(base_url=rest.http, headers={"origin": APP_URL}, timeout=30) as visitor:
        refused = visitor.post(f"{PATH}/finish", json=back)
        golden.check_same("errors/oidc-login-not-valid", refused)
        come_back(visitor, provider, "visitor", email="visitor@people.example.com", email_verified=True)
        assert visitor.post(f"{PATH}/finish", json=back).status_code == 422
        assert "zm_token" not in visitor.cookies
    foreign = browser.post(f"{PATH}/finish", json=back, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert browser.post(f"{PATH}/finish", json=back).status_code == 200


def test_failures_are_described(browser: httpx.Client, provider: OidcProvider, golden: Golden) -> None:
    """C-10."""
    email = "unverified@people.example.com"
    back = come_back(browser, provider, "unverified", email=email, email_verified=False)
    golden.check("errors/oidc-address-not-verified", browser.post(f"{PATH}/finish", json=back))
    provider.claims = {"aud": "another client"}
    back = come_back(browser, provider, "other", email=email, email_verified=True)
    golden.check("errors/oidc-login-refused", browser.post(f"{PATH}/finish", json=back))
    back = come_back(browser, provider, "down", email=email, email_verified=True)
    provider.failures = {"/token": 500}
    golden.check("errors/oidc-provider-unavailable", browser.post(f"{PATH}/finish", json=back))


def test_way_to_sign_in_is_deactivated_and_activated(
    browser: httpx.Client, rest: Stack, provider: OidcProvider, golden: Golden
) -> None:
    """C-10: with the password only."""
    email, password = "owner-of-ways@people.example.com", "correct horse battery"
    assert browser.post("/v1/auth/register", json={"email": email, "password": password}).status_code == 200
    token = token_in(mail_to(rest.captured, email, "Confirm your address"))
    assert browser.post("/v1/auth/confirm", json={"token": token}).status_code == 200
    back = come_back(browser, provider, "ways", email=email, email_verified=True)
    assert browser.post(f"{PATH}/finish", json=back).status_code == 200
    shown = browser.get("/v1/auth/methods")
    golden.check("auth/methods", shown)
    path = f"/v1/auth/identities/{shown.json()['identities'][0]['id']}"
    wrong = browser.post(f"{path}/deactivate", json={"password": "wrong"})
    golden.check_same("errors/invalid-login", wrong)
    golden.check("auth/identity-deactivate", browser.post(f"{path}/deactivate", json={"password": password}))
    back = come_back(browser, provider, "ways")
    golden.check("errors/identity-deactivated", browser.post(f"{PATH}/finish", json=back))
    golden.check("auth/identity-activate", browser.post(f"{path}/activate", json={"password": password}))
    back = come_back(browser, provider, "ways")
    assert browser.post(f"{PATH}/finish", json=back).status_code == 200
    unknown = browser.post(f"/v1/auth/identities/{'0' * 24}/activate", json={"password": password})
    golden.check("errors/identity-not-found", unknown)


def test_installation_without_a_provider_says_so(tmp_path: Path, golden: Golden) -> None:
    """C-10: and names the settings."""
    with Stack(tmp_path) as stack:
        golden.check("errors/oidc-not-configured", httpx.post(f"{stack.http}{PATH}", json={}))

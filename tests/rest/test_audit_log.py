"""Acts of people in the audit log by REST (contract rows C-10, C-77, Z-59)."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pyotp
import pytest

from tests.harness.mailbox import mail_to, token_in
from tests.harness.oidc_provider import OidcProvider
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

APP_URL = "http://127.0.0.1:8080"
PASSWORD, NEW = "correct horse battery", "staple battery horse"


class Person:
    """A person with a browser."""

    def __init__(self, rest: Stack, email: str) -> None:
        self.email = email
        self.browser = httpx.Client(base_url=rest.http, headers={"origin": APP_URL}, timeout=30)
        self._rest = rest

    def call(self, route: str, **body: str) -> Any:
        """The answer of a route of sign-in, which must succeed."""
        answer = self.browser.post(f"/v1/auth/{route}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self, subject: str) -> str:
        """The token of the newest mail with a subject."""
        return token_in(mail_to(self._rest.captured, self.email, subject))

    def login(self, password: str = PASSWORD) -> None:
        """Opens a session."""
        self.call("login", email=self.email, password=password)

    def entries(self) -> list[dict[str, Any]]:
        """The audit log of the session's organisation, oldest first."""
        return list(reversed(self.browser.get("/v1/audit-log?limit=100").json()["data"]))

    def acts(self) -> list[str]:
        """The names of the methods in the log."""
        return [entry["method"].partition("/")[2] for entry in self.entries()]


@pytest.fixture
def person(rest: Stack) -> Iterator[Callable[[str], Person]]:
    """Makes people with an account."""
    made: list[Person] = []

    def registered(email: str) -> Person:
        made.append(person := Person(rest, email))
        person.call("register", email=email, password=PASSWORD)
        person.call("confirm", token=person.token("Confirm your address"))
        return person

    yield registered
    for person in made:
        person.browser.close()


def test_log_holds_each_act_of_a_person_on_the_account(person: Callable[[str], Person]) -> None:
    """C-10: in the order in which they happened, with the person's address and without the refused ones."""
    ada = person("ada@acts.example.com")
    ada.login()
    app = pyotp.TOTP(ada.call("totp", password=PASSWORD)["secret"])
    codes = ada.call("totp/activate", code=app.now())["recovery_codes"]
    codes = ada.call("totp/recovery-codes", password=PASSWORD, code=codes[0])["recovery_codes"]
    ada.call("totp/deactivate", password=PASSWORD, code=codes[0])
    ada.call("password/change", current_password=PASSWORD, new_password=NEW)
    ada.call("logout")
    refused = ada.browser.post("/v1/auth/login", json={"email": ada.email, "password": PASSWORD})
    assert refused.status_code == 401
    ada.call("password/forgot", email=ada.email)
    ada.call("password/reset", token=ada.token("Set a new password"), password=PASSWORD)
    ada.login()
    assert ada.acts() == [
        *("ConfirmRegistration", "Login", "ActivateTotp", "RenewRecoveryCodes", "DeactivateTotp"),
        *("ChangePassword", "Logout", "ResetPassword", "Login"),
    ]
    assert {(entry["actor"], entry["credential"], entry["address"]) for entry in ada.entries()} == {
        (ada.email, "session", "127.0.0.1")
    }


def test_each_organisation_of_a_person_learns_of_changes_of_the_account(
    person: Callable[[str], Person],
) -> None:
    """C-77: an organisation depends on its members' passwords, and not on what they do elsewhere."""
    owner, guest = person("owner@acts.example.com"), person("guest@acts.example.com")
    owner.login()
    invitation = owner.browser.post("/v1/invitations", json={"email": guest.email, "role": "admin"})
    assert invitation.status_code == 201
    joined = guest.call("invitation", token=guest.token("You are invited to an organisation"))
    guest.login()
    guest.call("organisation", org_id=joined["membership"]["org_id"])
    guest.call("password/change", current_password=PASSWORD, new_password=NEW)
    assert owner.browser.post("/v1/api-keys", json={"name": "elsewhere"}).status_code == 201
    ours = [(entry["actor"], entry["method"].partition("/")[2]) for entry in owner.entries()]
    assert ours == [
        (owner.email, "ConfirmRegistration"),
        (owner.email, "Login"),
        (owner.email, "CreateInvitation"),
        (guest.email, "AcceptInvitation"),
        (guest.email, "SwitchOrganisation"),
        (guest.email, "ChangePassword"),
        (owner.email, "CreateApiKey"),
    ]
    guest.login(NEW)
    assert guest.acts() == ["ConfirmRegistration", "Login", "ChangePassword", "Login"]


def test_login_at_the_provider_is_recorded(person: Callable[[str], Person], provider: OidcProvider) -> None:
    """C-78."""
    ada = person("provided@acts.example.com")
    provider.add("provided", email=ada.email, email_verified=True)
    back = provider.sign_in(ada.call("oidc")["authorization_url"], "provided")
    ada.call("oidc/finish", **back)
    assert ada.acts() == ["ConfirmRegistration", "FinishOidcLogin"]


def test_download_of_all_data_is_recorded(person: Callable[[str], Person]) -> None:
    """F-13: once for each download, and not for one that is refused."""
    ada = person("taker@acts.example.com")
    ada.login()
    made = ada.browser.post("/v1/exports", json={}).json()
    shown = f"/v1/exports/{made['id']}"
    until_sync(lambda: ada.browser.get(shown).json()["status"] == "completed")
    assert ada.browser.get(f"/v1/exports/{'0' * 24}/file").status_code == 404
    assert ada.browser.get(f"{shown}/file").text.startswith('{"section"')
    assert ada.acts() == ["ConfirmRegistration", "Login", "CreateExport", "GetExportFile"]
    assert ada.entries()[-1]["target_id"] == made["id"]

"""The second factor of a login by REST: C-10, Z-46."""

from collections.abc import Callable

import httpx
import pyotp

from tests.harness.mailbox import mail_to, token_in
from tests.harness.stack import Stack
from tests.rest.golden import Golden

EMAIL, PASSWORD = "careful@totp.example.com", "correct horse battery"


def test_second_factor_is_added_asked_for_and_removed(
    stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-10."""
    post = poster(stranger)
    post("register", {"email": EMAIL, "password": PASSWORD})
    post("confirm", {"token": token_in(mail_to(rest.captured, EMAIL, "Confirm your address"))})
    login = {"email": EMAIL, "password": PASSWORD}
    jwt = post("login", login).json()["token"]
    absent = {"password": PASSWORD, "code": "000000"}
    golden.check("errors/second-factor-not-begun", post("totp/activate", {"code": "000000"}, jwt))
    golden.check("errors/second-factor-not-active", post("totp/deactivate", absent, jwt))
    golden.check_same("errors/second-factor-not-active", post("totp/recovery-codes", absent, jwt))
    begun = post("totp", {"password": PASSWORD}, jwt)
    golden.check("auth/totp", begun)
    app = pyotp.TOTP(begun.json()["secret"])
    activated = post("totp/activate", {"code": app.now()}, jwt)
    golden.check("auth/totp-activate", activated)
    codes = activated.json()["recovery_codes"]
    golden.check("errors/second-factor-active", post("totp", {"password": PASSWORD}, jwt))
    golden.check("errors/second-factor-required", post("login", login))
    golden.check("errors/invalid-code", post("login", {**login, "code": "none"}))
    again = post("login", {**login, "code": codes[0]})
    assert again.status_code == 200
    assert again.json()["user"]["second_factor"] is True
    golden.check_same("errors/invalid-code", post("login", {**login, "code": codes[0]}))
    renewal = {"password": PASSWORD, "code": codes[1]}
    renewed = post("totp/recovery-codes", renewal, jwt)
    golden.check("auth/totp-recovery-codes", renewed)
    golden.check_same("errors/invalid-code", post("totp/recovery-codes", renewal, jwt))
    removal = {"password": PASSWORD, "code": renewed.json()["recovery_codes"][0]}
    golden.check("auth/totp-deactivate", post("totp/deactivate", removal, jwt))
    assert post("login", login).status_code == 200
    mail_to(rest.captured, EMAIL, "A second factor was removed")


def poster(client: httpx.Client) -> Callable[..., httpx.Response]:
    """Calls a route of sign-in, with a session if one is given."""

    def post(route: str, body: dict[str, str], jwt: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {jwt}"} if jwt else {}
        return client.post(f"/v1/auth/{route}", json=body, headers=headers)

    return post

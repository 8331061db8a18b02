"""The cookie of a session (contract rows Z-3, C-10, C-75)."""

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from zidimail.v1 import account_service_pb2 as pb

from edge.dialects.zidimail.sign_in import sign_in_rules

SERVICE = "zidimail.v1.AccountService."
SETS = {"Login": pb.LoginResponse, "GetSession": pb.GetSessionResponse}
SETS["FinishOidcLogin"] = pb.FinishOidcLoginResponse
SETS["SwitchOrganisation"] = pb.SwitchOrganisationResponse


def cookie_of(method: str, response: object, *, has_https: bool = True) -> list[str]:
    """The parts of the cookie that an answer sets; none if it sets none."""
    make = sign_in_rules(has_https=has_https)[SERVICE + method].response_headers
    assert make is not None
    return [part for _, value in make(response) for part in value.decode().split("; ")]


@pytest.mark.parametrize("method", SETS)
def test_cookie_is_for_our_pages_alone(method: str) -> None:
    response = SETS[method](token="t", expires_at=Timestamp(seconds=int(time.time()) + 3600))  # noqa: S106
    value, age, *attributes = cookie_of(method, response)[:6]
    assert value == "zm_token=t"
    assert 3500 < int(age.removeprefix("Max-Age=")) <= 3600
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]


def test_login_at_a_provider_is_bound_to_the_browser() -> None:
    """The cookie goes to the routes of that login alone, no page reads it, and the end removes it."""
    begun = pb.BeginOidcLoginResponse(binding="b", expires_at=Timestamp(seconds=int(time.time()) + 600))
    value, age, *attributes = cookie_of("BeginOidcLogin", begun)
    assert value == "zm_oidc=b"
    assert 500 < int(age.removeprefix("Max-Age=")) <= 600
    assert attributes == ["Path=/v1/auth/oidc", "HttpOnly", "SameSite=Lax", "Secure"]
    finished = cookie_of("FinishOidcLogin", pb.FinishOidcLoginResponse(token="t"))  # noqa: S106
    assert finished[6:] == ["zm_oidc=", "Max-Age=0", *attributes]


def test_cookie_of_a_page_without_https_is_not_secure() -> None:
    """Else the browser would not send it back."""
    response = pb.LoginResponse(token="t")  # noqa: S106
    assert "Secure" not in cookie_of("Login", response, has_https=False)


def test_session_that_was_not_renewed_keeps_its_cookie() -> None:
    assert cookie_of("GetSession", pb.GetSessionResponse()) == []


def test_logout_removes_the_cookie() -> None:
    assert cookie_of("Logout", pb.LogoutResponse())[:2] == ["zm_token=", "Max-Age=0"]


@pytest.mark.parametrize(
    "method",
    [
        *(
            "Register",
            "ConfirmRegistration",
            "Login",
            "BeginOidcLogin",
            "FinishOidcLogin",
            "RequestPasswordReset",
            "ResetPassword",
        ),
        *(
            "ChangePassword",
            "AcceptInvitation",
            "BeginTotp",
            "ActivateTotp",
            "DeactivateTotp",
            "RenewRecoveryCodes",
            "CloseOrganisation",
        ),
    ],
)
def test_routes_with_a_slow_hash_a_mail_or_a_guess_have_the_stricter_limit(method: str) -> None:
    """C-47."""
    assert sign_in_rules(has_https=True)[SERVICE + method].signs_in

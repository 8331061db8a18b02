"""A session token is valid only if this installation signed it, for this use, unexpired (DELIVERY 5.3.4)."""

import base64
import json
from typing import Any

import jwt
import pytest

from server.accounts.session_tokens import SessionClaims, SessionTokens
from server.sealing import derive_key
from server.wire.faults import InvalidCredentials
from tests.harness.clock import ManualClock

INSTALLATION = "what the installation derives its keys from"
ORG, USER, SESSION = "0" * 23 + "1", "0" * 23 + "2", "0" * 23 + "3"


@pytest.fixture
def clock() -> ManualClock:
    """The time by which sessions end."""
    return ManualClock()


@pytest.fixture
def sessions(clock: ManualClock) -> SessionTokens:
    """The sessions of the installation, an hour long."""
    return SessionTokens(INSTALLATION, clock, lifetime_s=3600)


def _claims(clock: ManualClock, **changes: Any) -> dict[str, Any]:
    now = clock.now_ms() // 1000
    claims = {"iss": "zidimail", "aud": "zidimail", "jti": SESSION, "sub": USER, "org": ORG}
    claims |= {"iat": now, "exp": now + 60}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _signed(
    claims: dict[str, Any], key: bytes | None = None, algorithm: str = "HS256", **headers: str
) -> str:
    return jwt.encode(claims, key or derive_key(INSTALLATION, "jwt"), algorithm, headers=headers or None)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_session_names_its_user_organisation_and_end(sessions: SessionTokens, clock: ManualClock) -> None:
    token = sessions.issue(ORG, USER, SESSION)
    ends_at_ms = clock.now_ms() // 1000 * 1000 + 3_600_000
    assert sessions.read(token) == SessionClaims(ORG, USER, SESSION, ends_at_ms)


def test_a_session_ends(sessions: SessionTokens, clock: ManualClock) -> None:
    token = sessions.issue(ORG, USER, SESSION)
    clock.advance(3599)
    sessions.read(token)
    clock.advance(1)
    with pytest.raises(InvalidCredentials):
        sessions.read(token)


def test_unmodified_session_is_accepted(sessions: SessionTokens, clock: ManualClock) -> None:
    assert sessions.read(_signed(_claims(clock))).org_id == ORG


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"iss": None},
        {"aud": None},
        {"jti": None},
        {"jti": 7},
        {"sub": None},
        {"org": None},
        {"exp": None},
        {"iat": None},
        {"exp": 1},
        {"exp": "9999999999"},
        {"exp": 9e18},
        {"exp": True},
        {"org": 7},
        {"org": ["x"]},
    ],
)
def test_a_session_with_wrong_claims_is_refused(
    sessions: SessionTokens, clock: ManualClock, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCredentials):
        sessions.read(_signed(_claims(clock, **changes)))


def test_a_token_signed_with_another_key_is_refused(sessions: SessionTokens, clock: ManualClock) -> None:
    for key in (
        derive_key("another installation", "jwt"),
        derive_key(INSTALLATION, "seal"),
        INSTALLATION.encode() * 2,
    ):
        with pytest.raises(InvalidCredentials):
            sessions.read(_signed(_claims(clock), key))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_algorithm_of_the_token_header_is_ignored(
    sessions: SessionTokens, clock: ManualClock, algorithm: str
) -> None:
    with pytest.raises(InvalidCredentials):
        sessions.read(_signed(_claims(clock), algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256", ""])
def test_an_unsigned_token_is_refused(sessions: SessionTokens, clock: ManualClock, algorithm: str) -> None:
    unsigned = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(_claims(clock))}"
    for token in (f"{unsigned}.", unsigned, f"{unsigned}.AAAA"):
        with pytest.raises(InvalidCredentials):
            sessions.read(token)


@pytest.mark.parametrize("headers", [{"typ": "at+jwt"}, {"typ": "JOSE"}])
def test_a_token_of_another_type_is_refused(
    sessions: SessionTokens, clock: ManualClock, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidCredentials):
        sessions.read(_signed(_claims(clock), **headers))


def test_key_in_the_token_header_is_ignored(sessions: SessionTokens, clock: ManualClock) -> None:
    foreign = derive_key("another installation", "jwt")
    for headers in ({"kid": "../../dev/null"}, {"jku": "https://evil.test"}, {"x5u": "https://evil.test"}):
        with pytest.raises(InvalidCredentials):
            sessions.read(_signed(_claims(clock), foreign, **headers))


def test_modified_token_is_refused(sessions: SessionTokens) -> None:
    header, payload, signature = sessions.issue(ORG, USER, SESSION).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    elsewhere = _part(claims | {"org": "0" * 24})
    for token in (f"{header}.{elsewhere}.{signature}", f"{header}.{payload}.{signature[:-4]}AAAA"):
        with pytest.raises(InvalidCredentials):
            sessions.read(token)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "é.é.é", "\x00", "x" * 100_000, "e30.e30.e30", f"{_part([])}.{_part([])}.AA"],
)
def test_malformed_token_is_refused(sessions: SessionTokens, token: str) -> None:
    with pytest.raises(InvalidCredentials):
        sessions.read(token)

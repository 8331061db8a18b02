"""ID tokens: which of them are believed, on a store, with a provider that signs them (DELIVERY 5.3)."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.accounts.oidc_faults import OidcLoginRefused, OidcProviderUnavailable
from server.accounts.oidc_tokens import LEEWAY_S
from server.db.database import Database
from server.db.tables.accounts import oidc_identities, sessions
from server.wire.caller import SessionCaller
from tests.harness.clock import START_MS
from tests.harness.oidc_provider import CLIENT_ID, OidcProvider, SigningKey, symmetric, unsigned
from tests.harness.rows import row_count
from tests.store.at_provider import AtProvider

# The clock of these tests stands still a second after its start.
NOW_S = START_MS // 1000 + 1


async def refused(at: AtProvider) -> str:
    """The problem of a login that is refused."""
    at.add()
    with pytest.raises(OidcLoginRefused) as fault:
        await at.sign_in()
    return fault.value.metadata["problem"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("id", ["k", None])
async def test_every_algorithm_of_the_list_is_taken(
    at: AtProvider, ada: SessionCaller, algorithm: str, id: str | None
) -> None:
    at.provider.keys = [SigningKey(id, algorithm)]
    at.add()
    assert (await at.sign_in()).user.id == ada.user_id


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"nonce": "of another login"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"nonce": 7}, "another login"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "lacks claims"),
        ({"aud": "another client"}, "another client"),
        ({"aud": []}, "lacks claims"),
        ({"aud": None}, "lacks claims"),
        ({"aud": [CLIENT_ID, "another client"]}, "another client"),
        ({"aud": [CLIENT_ID, "another client"], "azp": "another client"}, "another client"),
        ({"azp": "another client"}, "another client"),
        ({"exp": NOW_S - LEEWAY_S}, "expired"),
        ({"exp": "never"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": None}, "lacks claims"),
        ({"iat": NOW_S + LEEWAY_S + 1}, "future"),
        ({"iat": None}, "lacks claims"),
        ({"nbf": NOW_S + LEEWAY_S + 1}, "future"),
        ({"sub": ""}, "nobody"),
        ({"sub": "s" * 256}, "nobody"),
        ({"sub": "a\0"}, "nobody"),
        ({"sub": None}, "lacks claims"),
        ({"padding": "x" * 40_000}, "too long"),
    ],
)
async def test_wrong_claims_are_refused(
    at: AtProvider, ada: SessionCaller, database: Database, claims: dict[str, Any], problem: str
) -> None:
    at.provider.claims = claims
    before = await row_count(database, sessions)
    assert problem in await refused(at)
    assert await row_count(database, sessions) == before
    assert await row_count(database, oidc_identities) == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another client"], "azp": CLIENT_ID},
        {"exp": NOW_S - LEEWAY_S + 1},
        {"iat": NOW_S + LEEWAY_S, "nbf": NOW_S + LEEWAY_S},
    ],
)
async def test_claims_at_the_edge_are_taken(
    at: AtProvider, ada: SessionCaller, claims: dict[str, Any]
) -> None:
    at.provider.claims = claims
    at.add()
    assert (await at.sign_in()).user.id == ada.user_id


def confused(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """HS256 with the public key as the shared one, as PEM."""
    key = provider.keys[0].private.public_key()
    return symmetric(claims, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "first")


def confused_jwk(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """HS256 with the public key as the shared one, as it stands in the key set."""
    return symmetric(claims, json.dumps(provider.keys[0].public).encode(), "first")


def foreign(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """A key of another party with the id of ours."""
    return SigningKey("first").sign(claims)


def embedded(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """A key of another party, which the token brings along."""
    key = SigningKey("first")
    headers = {"kid": "first", "jwk": key.public, "jku": "http://127.0.0.1:9/keys"}
    return jwt.encode(claims, key.private, "RS256", headers=headers)


def other_hash(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """Our key with an algorithm that is not of the list."""
    return jwt.encode(claims, provider.keys[0].private, "RS512", headers={"kid": "first"})


def critical(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """Our key, with an extension that must be understood."""
    return jwt.encode(
        claims, provider.keys[0].private, "RS256", headers={"kid": "first", "crit": ["x"], "x": 1}
    )


def changed(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """Other claims below our signature."""
    head, _, signature = provider.keys[0].sign(claims).split(".")
    return f"{head}.{provider.keys[0].sign({**claims, 'sub': '2'}).split('.')[1]}.{signature}"


@pytest.mark.parametrize(
    "sign",
    [
        confused,
        confused_jwk,
        foreign,
        embedded,
        other_hash,
        critical,
        changed,
        lambda provider, claims: unsigned(claims),
        lambda provider, claims: "a.b.c",
        lambda provider, claims: "é",
    ],
)
async def test_wrong_signatures_are_refused(
    at: AtProvider,
    ada: SessionCaller,
    database: Database,
    sign: Callable[[OidcProvider, dict[str, Any]], str],
) -> None:
    at.provider.sign = lambda claims: sign(at.provider, claims)
    assert "its ID token" in await refused(at)
    assert await row_count(database, oidc_identities) == 0


async def test_key_for_encryption_or_of_another_algorithm_signs_nothing(
    at: AtProvider, ada: SessionCaller
) -> None:
    for difference in ({"use": "enc"}, {"alg": "PS256"}):
        key = SigningKey("first")
        key.public |= difference
        at.provider.keys = [key]
        assert "unknown key" in await refused(at)
        at.people.clock.advance(3_600)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_short_key_is_refused(at: AtProvider, ada: SessionCaller) -> None:
    at.provider.keys = [SigningKey("short", bits=1024)]
    assert "2048 bits" in await refused(at)


async def test_provider_changes_its_keys(at: AtProvider, ada: SessionCaller) -> None:
    """Unknown keys are looked up, but at most once a minute; removed ones are forgotten in an hour."""
    at.add()
    await at.sign_in()
    at.provider.keys.append(SigningKey("second"))
    assert "unknown key" in await refused(at)
    assert at.provider.calls["/keys"] == 1
    at.people.clock.advance(60)
    await at.sign_in()
    await at.sign_in()
    assert at.provider.calls["/keys"] == 2
    removed = at.provider.keys.pop(0)
    at.provider.sign = removed.sign
    await at.sign_in()
    at.people.clock.advance(3_600)
    assert "unknown key" in await refused(at)


@pytest.mark.parametrize("id", [None, "same"])
async def test_provider_changes_a_key_without_another_name(
    at: AtProvider, ada: SessionCaller, id: str | None
) -> None:
    """A provider with one key need not name it (RFC 7517 section 4.5)."""
    at.add()
    at.provider.keys = [SigningKey(id)]
    await at.sign_in()
    at.provider.keys = [SigningKey(id)]
    assert "not signed by its key" in await refused(at)
    assert at.provider.calls["/keys"] == 1
    at.people.clock.advance(60)
    await at.sign_in()
    assert at.provider.calls["/keys"] == 2


async def test_userinfo_of_another_person_is_refused(at: AtProvider, ada: SessionCaller) -> None:
    at.provider.add("1")
    at.provider.userinfo = {"sub": "2", "email": "ada@example.com", "email_verified": True}
    with pytest.raises(OidcLoginRefused, match="two different persons"):
        await at.sign_in()


async def test_code_of_another_login_is_refused_and_texts_of_the_provider_are_not_passed_on(
    at: AtProvider, ada: SessionCaller
) -> None:
    """PKCE: whoever steals a code cannot use it in a login of his own."""
    at.add()
    stolen, own = await at.come_back(), await at.come_back()
    with pytest.raises(OidcLoginRefused) as fault:
        await at.finish(own._replace(code=stolen.code))
    assert fault.value.metadata == {"problem": "the provider answers invalid_grant"}


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_client_says_who_it_is_in_the_way_that_is_announced(
    at: AtProvider, ada: SessionCaller, way: str
) -> None:
    at.provider.way = way
    at.add()
    assert (await at.sign_in()).user.id == ada.user_id


@pytest.mark.parametrize(
    "announced",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://login.example.com/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"userinfo_endpoint": "ftp://login.example.com"},
    ],
)
async def test_wrong_description_begins_no_login(at: AtProvider, announced: dict[str, object]) -> None:
    at.provider.announced = announced
    with pytest.raises(OidcProviderUnavailable):
        await at.login.begin()
    # It is not remembered: the next login asks again.
    at.provider.announced = {}
    await at.login.begin()


@pytest.mark.parametrize("failure", [500, 429, 302, "drop"])
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_provider_that_fails_is_named(
    at: AtProvider, ada: SessionCaller, path: str, failure: int | str
) -> None:
    at.add()
    at.provider.failures = {path: failure}
    with pytest.raises(OidcProviderUnavailable) as fault:
        await at.sign_in()
    wanted = "it cannot be reached" if failure == "drop" else f"it answers {failure}"
    assert fault.value.metadata == {"problem": wanted, "retry_after": "30"}
    at.provider.failures = {}
    await at.sign_in()


async def test_provider_that_does_not_answer_is_given_up(slow: AtProvider) -> None:
    slow.provider.open.clear()
    with pytest.raises(OidcProviderUnavailable, match=r"did not answer within 0\.2 s"):
        await slow.login.begin()


async def test_description_is_looked_up_once_an_hour(at: AtProvider, ada: SessionCaller) -> None:
    at.add()
    for _ in range(3):
        await at.sign_in()
    path = "/.well-known/openid-configuration"
    assert (at.provider.calls[path], at.provider.calls["/keys"]) == (1, 1)
    at.people.clock.advance(3_600)
    await at.sign_in()
    assert (at.provider.calls[path], at.provider.calls["/keys"]) == (2, 2)

"""Verifies ID tokens (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# The algorithms that are taken, with the type and the curve of their keys (RFC 7518, RFC 8037). None of them
# has a key that both sides know, and `none` is not among them.
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
LEEWAY_S = 60
_LEAST_RSA_BITS = 2048
_MAX_LENGTH = 32_768
_MAX_SUBJECT = 255


class NotBelieved(Exception):
    """The token is not valid; the text says why in a few words."""


class UnknownKey(NotBelieved):
    """No key is known that may have signed the token: the provider may have a new one."""


class Expected(NamedTuple):
    """The content that a token must have: who made it, for whom, and for which login."""

    issuer: str
    client_id: str
    nonce: str


def claims_of(
    token: str, keys: Sequence[Mapping[str, Any]], expected: Expected, now_s: float
) -> dict[str, Any]:
    """The claims of a token that one of the provider's keys (JWK, RFC 7517) signed.

    `now_s` is seconds since 1970 UTC. Raises `NotBelieved`, `UnknownKey`.
    """
    if len(token) > _MAX_LENGTH:
        raise NotBelieved("its ID token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise NotBelieved("its ID token cannot be read") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotBelieved(f"its ID token is not signed by one of {', '.join(ALGORITHMS)}")
    if "crit" in header:
        raise NotBelieved("its ID token has extensions that are unknown here")
    key = _key(keys, algorithm, header.get("kid"))
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=expected.issuer,
            audience=expected.client_id,
            # Times are compared below, with our clock instead of the library's.
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError:
        # The key may be a new one that has no name or that of the old one.
        raise UnknownKey("its ID token is not signed by its key") from None
    except jwt.InvalidIssuerError:
        raise NotBelieved("its ID token is of another issuer") from None
    except jwt.InvalidAudienceError:
        raise NotBelieved("its ID token is for another client") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NotBelieved("its ID token cannot be read, or lacks claims") from None
    _check(claims, expected, now_s)
    return claims


def _check(claims: Mapping[str, Any], expected: Expected, now_s: float) -> None:
    """Raises `NotBelieved`."""
    audience, party = claims["aud"], claims.get("azp")
    is_for_several = isinstance(audience, list) and len(audience) > 1
    if (is_for_several or party is not None) and party != expected.client_id:
        raise NotBelieved("its ID token was given to another client")
    if _time(claims, "exp") + LEEWAY_S <= now_s:
        raise NotBelieved("its ID token has expired")
    if max(_time(claims, name) for name in ("iat", "nbf") if name in claims) - LEEWAY_S > now_s:
        raise NotBelieved("its ID token is from the future: one of the clocks is wrong")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise NotBelieved("its ID token is of another login")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or "\0" in subject:
        raise NotBelieved("its ID token names nobody")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotBelieved(f"its ID token has no time in `{name}`")
    return float(value)


def _key(keys: Sequence[Mapping[str, Any]], algorithm: str, key_id: object) -> Any:
    """The public key that may have signed: of the type of the algorithm, and of this id if there is one."""
    kind, curve = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key_id is None or key.get("kid") == key_id)
    ]
    if len(fitting) != 1:
        raise UnknownKey("its ID token is signed by an unknown key")
    # A private part has no business here, and must not change what the key is.
    public = {name: value for name, value in fitting[0].items() if name != "d"}
    try:
        key = jwt.PyJWK.from_dict(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NotBelieved("its key cannot be read") from None
    if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        raise NotBelieved(f"its key has less than {_LEAST_RSA_BITS} bits")
    return key

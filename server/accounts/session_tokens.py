"""The tokens of sessions: each a JWT that this installation signs (contract row Z-3)."""

from typing import NamedTuple

import jwt

from server.clock import Clock
from server.sealing import derive_key
from server.wire.faults import InvalidCredentials

LIFETIME_S = 24 * 3600
_ALGORITHM = "HS256"
_TYPE = "JWT"
_ISSUER = "zidimail"
_AUDIENCE = "zidimail"
_CLAIMS = ["iss", "aud", "iat", "exp", "jti", "sub", "org"]
# A session has about 300 characters; a much longer token is not parsed.
_MAX_LENGTH = 2048


class SessionClaims(NamedTuple):
    """The content of a token; `expires_at_ms` is milliseconds since 1970 UTC."""

    org_id: str
    user_id: str
    session_id: str
    expires_at_ms: int


class SessionTokens:
    """Issues and reads the tokens of sessions, which last `lifetime_s` seconds.

    The algorithm is fixed and never taken from the token. The key is derived from the installation's secret,
    so that tokens of other installations are invalid.
    """

    def __init__(self, secret: str, clock: Clock, *, lifetime_s: int = LIFETIME_S) -> None:
        self._key = derive_key(secret, "jwt")
        self._clock = clock
        self._lifetime_s = lifetime_s

    def issue(
        self,
        org_id: str,
        user_id: str,
        session_id: str,
        *,
        until_ms: int | None = None,
        operator_id: str | None = None,
    ) -> str:
        """A token of a session of a user in an organisation; it ends at `until_ms` at the latest.

        The operator who opened it on the user's behalf is named as RFC 8693 section 4.1 names an actor.
        """
        now = self._clock.now_ms() // 1000
        expires_at = now + self._lifetime_s
        if until_ms is not None:
            expires_at = min(expires_at, until_ms // 1000)
        claims: dict[str, object] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "jti": session_id,
            "sub": user_id,
            "org": org_id,
            "iat": now,
            "exp": expires_at,
        }
        if operator_id is not None:
            claims["act"] = {"sub": operator_id}
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE})

    def read(self, token: str) -> SessionClaims:
        """The claims of `token`, which is valid by itself. Raises `InvalidCredentials`."""
        claims = self._claims(token)
        # Checked here, as the library compares with the system clock instead of ours.
        if not isinstance(claims["exp"], int) or claims["exp"] <= self._clock.now_ms() // 1000:
            raise InvalidCredentials
        org_id, user_id, session_id = claims["org"], claims["sub"], claims["jti"]
        if not (isinstance(org_id, str) and isinstance(user_id, str) and isinstance(session_id, str)):
            raise InvalidCredentials
        return SessionClaims(org_id, user_id, session_id, claims["exp"] * 1000)

    def _claims(self, token: str) -> dict[str, object]:
        if len(token) > _MAX_LENGTH:
            raise InvalidCredentials
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except (jwt.PyJWTError, ValueError):
            raise InvalidCredentials from None
        if decoded["header"].get("typ") != _TYPE:
            raise InvalidCredentials
        claims: dict[str, object] = decoded["payload"]
        return claims

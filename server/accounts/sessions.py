"""Sessions: what a user presents instead of an API key, a JWT signed by this installation (row Z-3)."""

from typing import Any

import jwt

from server.clock import Clock
from server.sealing import derive_key
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials

LIFETIME_S = 24 * 3600
_ALGORITHM = "HS256"
_TYPE = "JWT"
_ISSUER = "zidimail"
_AUDIENCE = "zidimail"
_CLAIMS = ["iss", "aud", "iat", "exp", "sub", "org"]
# Ours have about 300 characters: what is far longer need not be parsed.
_MAX_LENGTH = 2048


class Sessions:
    """Issues sessions and recognises them.

    The algorithm is fixed here and never taken from the token; the key is derived from the installation's
    secret, so that another installation's token means nothing. `lifetime_s` is in seconds.
    """

    def __init__(self, secret: str, clock: Clock, *, lifetime_s: int = LIFETIME_S) -> None:
        self._key = derive_key(secret, "jwt")
        self._clock = clock
        self._lifetime_s = lifetime_s

    def issue(self, org_id: str, user_id: str) -> str:
        """A session of a user in an organisation."""
        now = self._clock.now_ms() // 1000
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "org": org_id,
            "iat": now,
            "exp": now + self._lifetime_s,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE})

    def authenticate(self, token: str) -> SessionCaller:
        """The caller whose session this is. Raises `InvalidCredentials`."""
        claims = self._claims(token)
        # Checked here, because the library knows no clock but the machine's.
        if not isinstance(claims["exp"], int) or claims["exp"] <= self._clock.now_ms() // 1000:
            raise InvalidCredentials
        if not isinstance(claims["sub"], str) or not isinstance(claims["org"], str):
            raise InvalidCredentials
        return SessionCaller(claims["org"], claims["sub"], "owner", claims["exp"] * 1000)

    def _claims(self, token: str) -> dict[str, Any]:
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
        claims: dict[str, Any] = decoded["payload"]
        return claims

"""Sessions: credentials of users, each a JWT that this installation signs (contract row Z-3)."""

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
# A session has about 300 characters; a much longer token is not parsed.
_MAX_LENGTH = 2048


class Sessions:
    """Issues and authenticates sessions, which last `lifetime_s` seconds.

    The algorithm is fixed and never taken from the token. The key is derived from the installation's secret,
    so that tokens of other installations are invalid.
    """

    def __init__(self, secret: str, clock: Clock, *, lifetime_s: int = LIFETIME_S) -> None:
        self._key = derive_key(secret, "jwt")
        self._clock = clock
        self._lifetime_s = lifetime_s

    def issue(self, org_id: str, user_id: str) -> str:
        """A new session of a user in an organisation."""
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
        """The caller of the session `token`. Raises `InvalidCredentials`."""
        claims = self._claims(token)
        # Checked here, as the library compares with the system clock instead of ours.
        if not isinstance(claims["exp"], int) or claims["exp"] <= self._clock.now_ms() // 1000:
            raise InvalidCredentials
        if not isinstance(claims["sub"], str) or not isinstance(claims["org"], str):
            raise InvalidCredentials
        return SessionCaller(claims["org"], claims["sub"], "owner", claims["exp"] * 1000)

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

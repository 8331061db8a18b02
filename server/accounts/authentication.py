"""Recognises a caller by whichever credential it presents (contract row Z-1)."""

from server.accounts.sessions import Sessions
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import PREFIXES
from server.wire.caller import Caller

_KEY_PREFIXES = tuple(PREFIXES.values())


class TokenAuthenticator:
    """Tells API keys from sessions by how they begin."""

    def __init__(self, keys: ApiKeyAuthenticator, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions

    async def authenticate(self, token: str) -> Caller:
        """The caller whose API key or session this is. Raises `InvalidCredentials`."""
        if token.startswith(_KEY_PREFIXES):
            return await self._keys.authenticate(token)
        return self._sessions.authenticate(token)

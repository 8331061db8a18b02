"""Authenticates callers by an API key or a session (contract rows Z-1, S-19)."""

from server.accounts.banned import Banned
from server.accounts.sessions import Sessions
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import PREFIXES
from server.wire.caller import OrganisationCaller

_KEY_PREFIXES = tuple(PREFIXES.values())


class TokenAuthenticator:
    """Distinguishes API keys from sessions by their prefix; refuses both for a banned organisation."""

    def __init__(self, keys: ApiKeyAuthenticator, sessions: Sessions, banned: Banned) -> None:
        self._keys = keys
        self._sessions = sessions
        self._banned = banned

    async def authenticate(self, token: str) -> OrganisationCaller:
        """The caller of the API key or session `token`. Raises `InvalidCredentials`, `AccountBanned`."""
        caller: OrganisationCaller
        if token.startswith(_KEY_PREFIXES):
            caller = await self._keys.authenticate(token)
        else:
            caller = await self._sessions.authenticate(token)
        await self._banned.check(caller.org_id)
        return caller

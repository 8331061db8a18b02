"""Authenticates callers by an API key, a session or an operator token (contract rows Z-1, S-19, C-76)."""

from server.accounts.banned import Banned
from server.accounts.operators import PREFIX, OperatorTokens
from server.accounts.sessions import Sessions
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import PREFIXES
from server.wire.caller import OperatorCaller, OrganisationCaller

_KEY_PREFIXES = tuple(PREFIXES.values())


class TokenAuthenticator:
    """Distinguishes the kinds by their prefix; refuses a banned organisation."""

    def __init__(
        self, keys: ApiKeyAuthenticator, sessions: Sessions, operators: OperatorTokens, banned: Banned
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._operators = operators
        self._banned = banned

    async def authenticate(self, token: str) -> OrganisationCaller | OperatorCaller:
        """The caller of `token`. Raises `InvalidCredentials`, `AccountBanned`."""
        caller: OrganisationCaller
        if token.startswith(PREFIX):
            return await self._operators.authenticate(token)
        if token.startswith(_KEY_PREFIXES):
            caller = await self._keys.authenticate(token)
        else:
            caller = await self._sessions.authenticate(token)
        await self._banned.check(caller.org_id)
        return caller

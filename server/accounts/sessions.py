"""Sessions: credentials of users that end with their rows (contract rows Z-3, C-75)."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from server.accounts import store
from server.accounts.session_tokens import SessionTokens
from server.clock import Clock
from server.db.database import Database
from server.newest import Newest
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from server.work.gathered import Gathered

# The time in which the end of a session may go unnoticed; with a stream's second, 5 seconds (C-75).
CACHE_MS = 4_000
_MAX_CACHED = 10_000

# The ids of an organisation, of a user and of the session.
SessionKey: TypeAlias = tuple[str, str, str]


class _Known(NamedTuple):
    """The result of a look-up, and when it began."""

    is_live: bool
    asked_at: int


class Sessions:
    """Finds the callers of sessions. A look-up is cached for 4 seconds."""

    def __init__(self, tokens: SessionTokens, database: Database, clock: Clock) -> None:
        self._tokens = tokens
        self._database = database
        self._clock = clock
        self._known: Newest[SessionKey, _Known] = Newest(_MAX_CACHED)
        self._gathered = Gathered[SessionKey, _Known]("sessions", self._read)

    async def authenticate(self, token: str) -> SessionCaller:
        """The caller of the session `token`. Raises `InvalidCredentials`.

        Its row and its user must exist: the end of a session and the removal of its user end it.
        """
        claims = self._tokens.read(token)
        key = (claims.org_id, claims.user_id, claims.session_id)
        known = self._known.get(key)
        # A clock that was set back must not lengthen an entry's life.
        if known is None or not 0 <= self._clock.now_ms() - known.asked_at < CACHE_MS:
            known = (await self._gathered.of([key]))[key]
            self._known.keep(key, known)
        if not known.is_live:
            raise InvalidCredentials
        return SessionCaller(claims.org_id, claims.user_id, "owner", claims.expires_at_ms)

    async def _read(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, _Known]:
        asked_at = self._clock.now_ms()
        live = await self._database.read(store.live_sessions, keys, asked_at)
        return {key: _Known(key in live, asked_at) for key in keys}

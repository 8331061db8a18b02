"""Sessions: credentials of users that end with their rows (contract rows Z-3, C-75)."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from server.accounts import session_store
from server.accounts.session_store import LiveSession
from server.accounts.session_tokens import SessionTokens
from server.clock import Clock
from server.db.database import Database
from server.newest import Newest
from server.permissions import RoleName
from server.wire.access import ROLES
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from server.work.gathered import Gathered

# The time in which the end of a session may go unnoticed; with a stream's second, 5 seconds (C-75).
CACHE_MS = 4_000
_MAX_CACHED = 10_000

_RANKS = list(ROLES)

# The ids of an organisation, of a user and of the session.
SessionKey: TypeAlias = tuple[str, str, str]


class _Known(NamedTuple):
    """The result of a look-up, None for no live session, and when it began."""

    session: LiveSession | None
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

        Its row must exist, and its user must be a member of the organisation: the end of the session ends it,
        and so does the removal of the member.
        """
        claims = self._tokens.read(token)
        key = (claims.org_id, claims.user_id, claims.session_id)
        known = self._known.get(key)
        # A clock that was set back must not lengthen an entry's life.
        if known is None or not 0 <= self._clock.now_ms() - known.asked_at < CACHE_MS:
            known = (await self._gathered.of([key]))[key]
            self._known.keep(key, known)
        if (live := known.session) is None:
            raise InvalidCredentials
        return SessionCaller(
            claims.org_id,
            claims.user_id,
            _role_of(live),
            claims.expires_at_ms,
            is_operator=live.is_operator and not live.lacks_second_factor,
            user_email=live.email if live.is_operator else "",
            session_id=claims.session_id,
            lacks_second_factor=live.is_operator and live.lacks_second_factor,
            operator_id=live.operator_id or "",
            operator_name=live.operator_name or "",
        )

    def forget(self, org_id: str, user_id: str, session_id: str) -> None:
        """Looks a session up anew at its next call, as it was ended or changed."""
        self._known.pop((org_id, user_id, session_id), None)

    def forget_user(self, user_id: str) -> None:
        """As `forget`, for all sessions of a user."""
        for key in [key for key in self._known if key[1] == user_id]:
            del self._known[key]

    def forget_organisation(self, org_id: str) -> None:
        """As `forget`, for all sessions in an organisation."""
        for key in [key for key in self._known if key[0] == org_id]:
            del self._known[key]

    async def _read(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, _Known]:
        asked_at = self._clock.now_ms()
        live = await self._database.read(session_store.live_sessions, keys, asked_at)
        return {key: _Known(live.get(key), asked_at) for key in keys}


def _role_of(session: LiveSession) -> RoleName:
    """The role of the user, or the one that an operator's session has at most."""
    return min(session.role, session.most_role or session.role, key=_RANKS.index)

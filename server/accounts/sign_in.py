"""Signing in and out, and passwords (contract rows Z-3, C-10, C-75)."""

from collections.abc import Sequence
from typing import NamedTuple

from server.accounts import attempts, session_store, store
from server.accounts.faults import InvalidLogin, NotAMember
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.passwords import Passwords
from server.accounts.rules import login_address, password_violations
from server.accounts.second_factor import SecondFactor
from server.accounts.session_tokens import LIFETIME_S, SessionTokens
from server.accounts.sessions import Sessions
from server.accounts.store import MembershipRow, UserRow
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.ids import new_id
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials

_LIFETIME_MS = LIFETIME_S * 1000
# A session is renewed after half of its life, and 30 days after its beginning no more (C-75).
_RENEWED_AFTER_MS = _LIFETIME_MS // 2
_LONGEST_MS = 30 * 24 * 3_600_000


class OpenSession(NamedTuple):
    """A session with its user; `token` is empty if it is not new. `expires_at` is ms since 1970 UTC.

    `operator_name` is empty unless an operator opened it on the user's behalf.
    """

    user: UserRow
    membership: MembershipRow
    memberships: Sequence[MembershipRow]
    expires_at: int
    token: str = ""
    operator_name: str = ""


class SignIn:
    """Makes, shows and ends sessions, and changes passwords."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        passwords: Passwords,
        tokens: SessionTokens,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
        second_factor: SecondFactor,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters
        self._second_factor = second_factor

    async def login(
        self, email: str, password: str, org_id: str | None, code: str | None = None
    ) -> OpenSession:
        """A new session of a user, in one of the user's organisations; `code` is that of the second factor.

        Raises `InvalidLogin`, `SecondFactorRequired`, `InvalidCode`, `TooManyAttempts`, `NotAMember`,
        `Unavailable`. The work is the same for an
        address without an account.
        """
        address = _address_or(email)
        user = await self._checked(address, password)
        if user is None:
            raise InvalidLogin
        rehashed = None
        if self._passwords.needs_rehash(user.password_hash):
            rehashed = await self._passwords.hash(password)
        now = self._clock.now_ms()

        def write(tx: Tx) -> OpenSession:
            self._second_factor.check(tx, user, code, now)
            attempts.forget(tx, address)
            if rehashed is not None:
                store.set_password(tx, user.id, rehashed)
            return self.open(tx, user, org_id, now)

        return await self._writer.run(write)

    def open(self, tx: Tx, user: UserRow, org_id: str | None, now_ms: int) -> OpenSession:
        """A new session of a user who has given all that the account asks for. Raises `NotAMember`."""
        session_id, found = new_id(), store.memberships(tx, user.id)
        membership = _chosen(found, org_id)
        token = self._tokens.issue(membership.org_id, user.id, session_id)
        expires_at = self._tokens.read(token).expires_at_ms
        session_store.add_session(
            *(tx, membership.org_id, user.id, session_id, now_ms, expires_at),
            second_factor=user.totp_since is not None,
        )
        return OpenSession(user, membership, found, expires_at, token)

    async def session(self, caller: SessionCaller) -> OpenSession:
        """The caller's session, renewed if half of its life is over; one that an operator opened never is.

        Raises `InvalidCredentials`.
        """

        def read(tx: Tx) -> OpenSession | None:
            user = store.user(tx, caller.user_id)
            row = session_store.session(tx, caller.org_id, caller.session_id)
            found = store.memberships(tx, caller.user_id)
            mine = next((one for one in found if one.org_id == caller.org_id), None)
            if user is None or row is None or mine is None:
                return None
            until = row.created_at + _LONGEST_MS
            now = self._clock.now_ms()
            renewed = min(now + _LIFETIME_MS, until)
            if row.operator_id is not None:
                return OpenSession(user, mine, found, row.expires_at, operator_name=row.operator_name or "")
            if row.expires_at - now > _RENEWED_AFTER_MS or renewed <= row.expires_at:
                return OpenSession(user, mine, found, row.expires_at)
            token = self._tokens.issue(caller.org_id, caller.user_id, caller.session_id, until_ms=until)
            return OpenSession(user, mine, found, self._tokens.read(token).expires_at_ms, token)

        found = await self._database.read(read)
        if found is None:
            raise InvalidCredentials
        if found.token and not await self._writer.run(
            session_store.renew, caller.org_id, caller.session_id, found.expires_at
        ):
            raise InvalidCredentials
        return found

    async def switch(self, caller: SessionCaller, org_id: str) -> OpenSession:
        """A session of the caller's user in another organisation, as old as the present one, which ends.

        Raises `NotAMember`, `InvalidCredentials`.
        """
        session_id = new_id()

        def write(tx: Tx) -> OpenSession:
            user = store.user(tx, caller.user_id)
            # The end of all sessions of a user locks the user first: none begins from one that ends.
            if user is None or not store.is_unchanged(tx, user):
                raise InvalidCredentials
            row = session_store.session(tx, caller.org_id, caller.session_id)
            if row is None:
                raise InvalidCredentials
            found = store.memberships(tx, user.id)
            membership = _chosen(found, org_id)
            until = row.created_at + _LONGEST_MS
            token = self._tokens.issue(membership.org_id, user.id, session_id, until_ms=until)
            expires_at = self._tokens.read(token).expires_at_ms
            if not session_store.end(tx, caller.org_id, caller.session_id):
                raise InvalidCredentials
            session_store.add_session(
                *(tx, membership.org_id, user.id, session_id, row.created_at, expires_at),
                second_factor=row.second_factor,
            )
            return OpenSession(user, membership, found, expires_at, token)

        session = await self._writer.run(write)
        self._sessions.forget(caller.org_id, caller.user_id, caller.session_id)
        return session

    async def logout(self, caller: SessionCaller) -> None:
        """Ends the caller's session."""
        await self._writer.run(session_store.end, caller.org_id, caller.session_id)
        self._sessions.forget(caller.org_id, caller.user_id, caller.session_id)

    async def change_password(self, caller: SessionCaller, current: str, new: str) -> None:
        """Changes the caller's password, ends the other sessions of the user, and says so by mail.

        Raises `ValidationFailed`, `InvalidLogin`, `TooManyAttempts`, `Unavailable`.
        """
        user = await self._database.read(store.user, caller.user_id)
        if user is None:
            raise InvalidCredentials
        if violations := password_violations("new_password", new, user.email):
            raise ValidationFailed(violations)
        checked = await self._checked(user.email, current)
        if checked is None:
            raise InvalidLogin
        password_hash, now = await self._passwords.hash(new), self._clock.now_ms()

        def write(tx: Tx) -> None:
            if not store.is_unchanged(tx, checked):
                raise InvalidLogin
            attempts.forget(tx, user.email)
            store.set_password(tx, user.id, password_hash)
            session_store.end_all(tx, user.id, but=caller.session_id)
            self._mailer.write(tx, [self._letters.password_changed(user.email)], now)

        await self._writer.run(write)
        self._sessions.forget_user(user.id)
        self._mailer.written()

    async def confirm_password(self, caller: SessionCaller, password: str) -> UserRow:
        """The caller's user, whose password was given once more. The attempt counts until it is forgotten.

        Raises `InvalidLogin`, `TooManyAttempts`, `Unavailable`.
        """
        user = await self._database.read(store.user, caller.user_id)
        if user is None:
            raise InvalidCredentials
        checked = await self._checked(user.email, password)
        if checked is None:
            raise InvalidLogin
        return checked

    async def _checked(self, address: str, password: str) -> UserRow | None:
        """The user with this address and password; None if there is none. The attempt is counted.

        Raises `TooManyAttempts`, `Unavailable`.
        """
        await self._writer.run(attempts.begin, address, self._clock.now_ms())
        user = await self._database.read(store.user_of, address)
        matches = await self._passwords.verify(None if user is None else user.password_hash, password)
        return user if matches else None


def _address_or(email: str) -> str:
    """The address in its normal form; a text that is no address has no account either."""
    try:
        return login_address(email)
    except ValidationFailed:
        return email.strip().lower()


def _chosen(memberships: Sequence[MembershipRow], org_id: str | None) -> MembershipRow:
    """The membership to be used: that of the named organisation, else the first that is not banned (S-19), as
    all calls in a banned one are refused, also those that lead to another. Raises `NotAMember`."""
    fitting = [one for one in memberships if org_id in (None, one.org_id)]
    if not fitting:
        raise NotAMember
    return next((one for one in fitting if not one.is_banned), fitting[0])

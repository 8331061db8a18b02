"""The ways to sign in to an account beside the password (contract row C-10)."""

from typing import NamedTuple

from server.accounts import attempts, oidc_store, session_store, store, totp_store
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.oidc_faults import IdentityNotFound
from server.accounts.oidc_store import IdentityRow
from server.accounts.sessions import Sessions
from server.accounts.store import UserRow
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials


class SignInMethods(NamedTuple):
    """The ways to sign in of a user; `identities` in the order of their first login."""

    second_factor: bool
    recovery_codes_left: int
    identities: list[IdentityRow]


class Identities:
    """Shows the ways to sign in, and ends and allows the logins by accounts at a provider."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters

    async def methods(self, caller: SessionCaller) -> SignInMethods:
        """The ways to sign in of the caller's user. Raises `InvalidCredentials`."""

        def read(tx: Tx) -> SignInMethods:
            user = store.user(tx, caller.user_id)
            if user is None:
                raise InvalidCredentials
            codes = totp_store.count_recovery_codes(tx, user.id)
            return SignInMethods(user.totp_since is not None, codes, oidc_store.identities(tx, user.id))

        return await self._database.read(read)

    async def check(self, caller: SessionCaller, id: str) -> None:
        """Looks for an identity of the caller's user, before a password is tried.

        Raises `IdentityNotFound`.
        """
        known = await self._database.read(oidc_store.identities, caller.user_id)
        if all(identity.id != id for identity in known):
            raise IdentityNotFound(id)

    async def deactivate(self, caller: SessionCaller, user: UserRow, id: str) -> IdentityRow:
        """Ends the logins by an identity of the user, whose password was given; the other sessions end.

        It stays known: else the next login at the provider would make it anew by its address. Raises
        `IdentityNotFound`.
        """

        def write(tx: Tx) -> IdentityRow:
            # A login by the identity that begins now waits, and finds it deactivated.
            if not store.is_unchanged(tx, user):
                raise InvalidCredentials
            attempts.forget(tx, user.email)
            found = _identity(tx, user, id)
            if found.deactivated_at is not None:
                return found
            now = self._clock.now_ms()
            oidc_store.set_deactivated(tx, found, now)
            session_store.end_all(tx, user.id, but=caller.session_id)
            self._mailer.write(tx, [self._letters.identity(user.email, found.issuer, is_on=False)], now)
            return found._replace(deactivated_at=now)

        found = await self._writer.run(write)
        self._sessions.forget_user(user.id)
        self._mailer.written()
        return found

    async def activate(self, user: UserRow, id: str) -> IdentityRow:
        """Allows the logins by an identity of the user, whose password was given, again.

        Raises `IdentityNotFound`.
        """

        def write(tx: Tx) -> IdentityRow:
            attempts.forget(tx, user.email)
            found = _identity(tx, user, id)
            if found.deactivated_at is None:
                return found
            oidc_store.set_deactivated(tx, found, None)
            letter = self._letters.identity(user.email, found.issuer, is_on=True)
            self._mailer.write(tx, [letter], self._clock.now_ms())
            return found._replace(deactivated_at=None)

        found = await self._writer.run(write)
        self._mailer.written()
        return found


def _identity(tx: Tx, user: UserRow, id: str) -> IdentityRow:
    """Raises `IdentityNotFound`."""
    for identity in oidc_store.identities(tx, user.id):
        if identity.id == id:
            return identity
    raise IdentityNotFound(id)

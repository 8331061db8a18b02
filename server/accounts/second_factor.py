"""The second factor of a login: codes of an authenticator app, or recovery codes."""

from collections.abc import Sequence
from typing import NamedTuple

from server.accounts import attempts, session_store, store, totp, totp_store
from server.accounts.faults import (
    InvalidCode,
    SecondFactorActive,
    SecondFactorNotActive,
    SecondFactorNotBegun,
    SecondFactorRequired,
)
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.sessions import Sessions
from server.accounts.store import UserRow
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import Unavailable
from server.sealing import Seal
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials

# The account was changed in this moment: with what is valid now the next call succeeds.
_RETRY_AFTER_S = 1.0


class NewSecret(NamedTuple):
    """A secret for an app, in base32 and as a URI."""

    secret: str
    uri: str


class SecondFactor:
    """Adds, checks and removes the second factors of users, and renews their recovery codes."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        seal: Seal,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._seal = seal
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters

    async def begin(self, user: UserRow) -> NewSecret:
        """A new secret of a user, whose password was given. Raises `SecondFactorActive`."""
        secret = totp.new_secret()
        sealed = self._seal.seal(secret.encode(), _context(user.id))

        def write(tx: Tx) -> None:
            attempts.forget(tx, user.email)
            if not totp_store.begin(tx, user.id, sealed):
                raise SecondFactorActive

        await self._writer.run(write)
        return NewSecret(secret, totp.uri(secret, user.email))

    async def activate(self, caller: SessionCaller, code: str) -> Sequence[str]:
        """Lets the caller's secret count; the recovery codes. The other sessions of the user end.

        Raises `InvalidCode`, `SecondFactorActive`, `SecondFactorNotBegun`.
        """
        user = await self._database.read(store.user, caller.user_id)
        if user is None:
            raise InvalidCredentials
        if user.totp_since is not None:
            raise SecondFactorActive
        if user.totp_secret is None:
            raise SecondFactorNotBegun
        now = self._clock.now_ms()
        step = totp.step_of(self._secret(user), code, now, None)
        if step is None:
            raise InvalidCode
        codes = totp.new_recovery_codes()
        hashes = [totp.recovery_hash(one) for one in codes]

        def write(tx: Tx) -> None:
            if not totp_store.activate(tx, user.id, user.totp_secret or b"", step, hashes, now):
                raise InvalidCode
            session_store.end_all(tx, user.id, but=caller.session_id)
            session_store.note_second_factor(tx, caller.org_id, caller.session_id)
            self._mailer.write(tx, [self._letters.second_factor(user.email, is_on=True)], now)

        await self._writer.run(write)
        self._sessions.forget_user(user.id)
        self._mailer.written()
        return codes

    async def deactivate(self, user: UserRow, code: str) -> None:
        """Removes the second factor of a user, whose password was given.

        Raises `SecondFactorNotActive`, `InvalidCode`.
        """
        await self._require(user)
        now = self._clock.now_ms()

        def write(tx: Tx) -> None:
            self.check(tx, user, code, now)
            # Only now: else the password would be a way to guess codes without end.
            attempts.forget(tx, user.email)
            totp_store.deactivate(tx, user.id)
            self._mailer.write(tx, [self._letters.second_factor(user.email, is_on=False)], now)

        await self._writer.run(write)
        self._mailer.written()

    async def renew_codes(self, user: UserRow, code: str) -> Sequence[str]:
        """New recovery codes of a user, whose password was given, in place of the earlier ones.

        The code is asked for as well: whoever has the password only must not get codes that stand for the
        phone. Raises `SecondFactorNotActive`, `InvalidCode`.
        """
        await self._require(user)
        codes, now = totp.new_recovery_codes(), self._clock.now_ms()
        hashes = [totp.recovery_hash(one) for one in codes]

        def write(tx: Tx) -> None:
            self.check(tx, user, code, now)
            attempts.forget(tx, user.email)
            totp_store.replace_recovery_codes(tx, user.id, hashes)
            self._mailer.write(tx, [self._letters.recovery_codes(user.email)], now)

        await self._writer.run(write)
        self._mailer.written()
        return codes

    def check(self, tx: Tx, user: UserRow, code: str | None, now_ms: int, *, field: str = "code") -> None:
        """Uses a code, if the user has a second factor; each works once. `field` is its place in the request.

        Raises `SecondFactorRequired` without a code, `InvalidCode`, and `Unavailable` if the password or the
        second factor of the user was changed since `user` was read.
        """
        if not store.is_unchanged(tx, user):
            raise Unavailable(_RETRY_AFTER_S)
        if user.totp_since is None:
            return
        if not code:
            raise SecondFactorRequired(field)
        step = totp.step_of(self._secret(user), code, now_ms, user.totp_step)
        if step is not None:
            if not totp_store.use_step(tx, user.id, step):
                raise InvalidCode
        elif not totp_store.use_recovery_code(tx, user.id, totp.recovery_hash(code)):
            raise InvalidCode

    async def _require(self, user: UserRow) -> None:
        """Raises `SecondFactorNotActive`; the password was right, and there is no code to guess."""
        if user.totp_since is None:
            await self._writer.run(attempts.forget, user.email)
            raise SecondFactorNotActive

    def _secret(self, user: UserRow) -> str:
        return self._seal.open(user.totp_secret or b"", _context(user.id)).decode()


def _context(user_id: str) -> str:
    return f"totp:{user_id}"

"""Closing an organisation: its keys and sessions stop, and its data is kept (contract row Z-59)."""

from server.accounts import attempts, member_store, session_store, store
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.second_factor import SecondFactor
from server.accounts.sessions import Sessions
from server.accounts.store import UserRow
from server.clock import Clock
from server.db.tx import Tx
from server.db.writer import Writer
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials, MissingRole


class Closing:
    """Closes organisations; the operator opens them again."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        second_factor: SecondFactor,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._second_factor = second_factor
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters

    async def close(self, caller: SessionCaller, user: UserRow, code: str | None) -> None:
        """Closes the caller's organisation; `user` is the caller, whose password was given.

        Sessions stop at once, keys within 5 seconds. All owners get a mail. Raises `MissingRole`,
        `SecondFactorRequired`, `InvalidCode`.
        """
        now = self._clock.now_ms()

        def write(tx: Tx) -> None:
            member_store.lock_owners(tx, caller.org_id)
            own = member_store.member(tx, caller.org_id, caller.user_id)
            if own is None:
                raise InvalidCredentials
            if own.role != "owner":
                raise MissingRole(own.role, "owner")
            self._second_factor.check(tx, user, code, now)
            attempts.forget(tx, user.email)
            closed = store.change_organisation(tx, caller.org_id, {"closed_at": now})
            if closed is None:
                raise InvalidCredentials
            session_store.end_all_in(tx, caller.org_id)
            mails = [
                self._letters.closed(address, closed.name, user.email)
                for address in member_store.owner_addresses(tx, caller.org_id)
            ]
            self._mailer.write(tx, mails, now)

        await self._writer.run(write)
        self._sessions.forget_organisation(caller.org_id)
        self._mailer.written()

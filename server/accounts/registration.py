"""Registrations and password resets: requests that a mail answers, and the links in these mails."""

import json
from typing import TypeVar

from server.accounts import attempts, request_store, session_store, store
from server.accounts.faults import LinkNotValid, RegistrationClosed
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.one_time_tokens import GivenToken, given_token
from server.accounts.passwords import Passwords
from server.accounts.request_store import Kind, RequestRow
from server.accounts.rules import Plan, login_address, name_violations, password_violations
from server.accounts.sessions import Sessions
from server.accounts.store import UserRow
from server.clock import Clock
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import Fault, ValidationFailed
from server.ids import new_id
from server.work.notifier import Notifier

T = TypeVar("T")

CONFIRM_WITHIN_MS = 24 * 3_600_000
RESET_WITHIN_MS = 3_600_000


class Registration:
    """Takes requests of people who are not signed in. Each costs the same, whoever the address belongs to."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        passwords: Passwords,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
        requested: Notifier,
        *,
        is_open: bool,
        plan: Plan,
    ) -> None:
        """`requested` is notified of new requests; `plan` is that of new organisations."""
        self._writer = writer
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters
        self._requested = requested
        self._is_open = is_open
        self._plan = plan

    async def register(self, email: str, password: str, name: str, organisation: str) -> RequestRow:
        """Stores a registration until its address is confirmed.

        Raises `RegistrationClosed`, `ValidationFailed`, `Unavailable`.
        """
        if not self._is_open:
            raise RegistrationClosed
        address = login_address(email)
        name, organisation = name.strip(), organisation.strip()
        if violations := [
            *password_violations("password", password, address),
            *name_violations("name", name),
            *name_violations("organisation", organisation),
        ]:
            raise ValidationFailed(violations)
        password_hash = await self._passwords.hash(password)
        details = {"name": name, "organisation": organisation, "password_hash": password_hash}
        return await self._add("register", address, json.dumps(details), CONFIRM_WITHIN_MS)

    async def confirm(self, token: str) -> tuple[UserRow, str]:
        """Makes the user and the organisation of a registration: the user, and the organisation's id.

        A user who has an account gets another organisation; the name and the password stay as they are.
        Raises `LinkNotValid`.
        """
        now = self._clock.now_ms()

        def write(tx: Tx) -> tuple[UserRow, str] | Fault:
            request = request_store.take(tx, "register", _given(token), now)
            if request is None:
                return LinkNotValid()
            request_store.drop(tx, request.email, "register")
            details = json.loads(request.details)
            if (user := store.user_of(tx, request.email)) is not None:
                return user, add_owned(tx, user, details["organisation"], plan=self._plan, now_ms=now)
            made = add_account(
                *(tx, request.email, details["name"], details["organisation"], details["password_hash"]),
                plan=self._plan,
                now_ms=now,
            )
            # An invitation of the address may have been accepted in the same moment.
            return LinkNotValid() if made is None else made

        return _or_raise(await self._writer.run(write))

    async def request_reset(self, email: str) -> None:
        """Stores the request for a link to set a new password. Raises `ValidationFailed`."""
        await self._add("reset", login_address(email), "{}", RESET_WITHIN_MS)

    async def reset(self, token: str, password: str) -> UserRow:
        """Sets a new password; ends all sessions of the user, who is returned.

        Raises `ValidationFailed`, `LinkNotValid`.
        """
        if violations := password_violations("password", password):
            raise ValidationFailed(violations)
        password_hash, now = await self._passwords.hash(password), self._clock.now_ms()

        def write(tx: Tx) -> UserRow | Fault:
            request = request_store.take(tx, "reset", _given(token), now)
            user = None if request is None else store.user_of(tx, request.email)
            if user is None:
                return LinkNotValid()
            # A refusal keeps the link: the person tries another password.
            if violations := password_violations("password", password, user.email):
                raise ValidationFailed(violations)
            request_store.drop(tx, user.email, "reset")
            attempts.forget(tx, user.email)
            store.set_password(tx, user.id, password_hash)
            session_store.end_all(tx, user.id)
            self._mailer.write(tx, [self._letters.password_changed(user.email)], now)
            return user

        user = _or_raise(await self._writer.run(write))
        self._sessions.forget_user(user.id)
        self._mailer.written()
        return user

    async def _add(self, kind: Kind, email: str, details: str, within_ms: int) -> RequestRow:
        now = self._clock.now_ms()
        request = RequestRow(new_id(), kind, email, details, now, now + within_ms)
        await self._writer.run(request_store.add, request)
        self._requested.notify()
        return request


def add_account(
    tx: Tx, email: str, name: str, organisation: str, password_hash: str, *, plan: Plan, now_ms: int
) -> tuple[UserRow, str] | None:
    """A new user with a new organisation, and its id; None if the address has an account.

    The person owns the organisation, and it sends to the owner only until it is released (C-70).
    """
    user = UserRow(new_id(), email, name, password_hash, now_ms)
    if not store.add_user(tx, user.id, email, password_hash, now_ms, name):
        return None
    return user, add_owned(tx, user, organisation, plan=plan, now_ms=now_ms)


def add_owned(tx: Tx, user: UserRow, organisation: str, *, plan: Plan, now_ms: int) -> str:
    """A new organisation of a user: its id. It sends to the owner only until it is released (C-70)."""
    org_id = new_id()
    store.add_organisation(
        tx,
        org_id,
        organisation or user.email,
        owner_email=user.email,
        plan=plan,
        profile="plan",
        sandbox=True,
        now_ms=now_ms,
    )
    store.add_member(tx, org_id, user.id, "owner", now_ms)
    return org_id


def _given(token: str) -> GivenToken:
    """The parts of a token. Raises `LinkNotValid`."""
    given = given_token(token)
    if given is None:
        raise LinkNotValid
    return given


def _or_raise(result: T | Fault) -> T:
    if isinstance(result, Fault):
        raise result
    return result

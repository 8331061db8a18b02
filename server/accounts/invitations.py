"""Invitations: a person joins an organisation by a link in a mail."""

from typing import NamedTuple

from server.accounts import invitation_store, member_store, store
from server.accounts.faults import (
    AlreadyAMember,
    InvitationNotFound,
    LinkNotValid,
    RegistrationClosed,
    TooManyInvitations,
)
from server.accounts.invitation_store import InvitationRow
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.members import check_authority
from server.accounts.one_time_tokens import given_token, new_token
from server.accounts.passwords import Passwords
from server.accounts.rules import login_address, name_violations, password_violations
from server.accounts.sessions import Sessions
from server.accounts.store import MembershipRow, UserRow
from server.clock import Clock
from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.ids import new_id
from server.permissions import RoleName
from server.wire.caller import SessionCaller

ACCEPT_WITHIN_MS = 7 * 24 * 3_600_000
# Invitations of an organisation in a day: each is a mail to a stranger in the platform's name.
MAX_INVITATIONS = 100
_DAY_MS = 24 * 3_600_000


class Joined(NamedTuple):
    """A user with the organisation that the user has joined."""

    user: UserRow
    membership: MembershipRow


class Invitations:
    """Makes, shows, ends and accepts invitations."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        passwords: Passwords,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
        *,
        takes_new_people: bool,
    ) -> None:
        """`takes_new_people` is false where only people with an account may accept (C-78)."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters
        self._takes_new_people = takes_new_people

    async def create(self, caller: SessionCaller, email: str, role: RoleName) -> InvitationRow:
        """Invites a person by mail. The answer is the same for an address without an account.

        Raises `ValidationFailed`, `MissingRole`, `AlreadyAMember`, `TooManyInvitations`.
        """
        address, now = login_address(email), self._clock.now_ms()
        org_id, id = caller.org_id, new_id()
        row = InvitationRow(org_id, id, address, role, caller.user_id, now, now + ACCEPT_WITHIN_MS)
        token = new_token(id)

        def write(tx: Tx) -> None:
            # The lock of the owners makes the invitations of an organisation one after another.
            member_store.lock_owners(tx, org_id)
            check_authority(tx, caller, role)
            if member_store.is_member(tx, org_id, address):
                raise AlreadyAMember(address)
            made = invitation_store.made_since(tx, org_id, now - _DAY_MS)
            if made.number >= MAX_INVITATIONS and made.first_at is not None:
                raise TooManyInvitations(MAX_INVITATIONS, (made.first_at + _DAY_MS - now) / 1000)
            invitation_store.add(tx, row, token.hash)
            inviter = store.user(tx, caller.user_id)
            organisation = store.change_organisation(tx, org_id, {})
            if inviter is not None and organisation is not None:
                names = (inviter.name or inviter.email, organisation.name)
                self._mailer.write(tx, [self._letters.invitation(address, *names, token.text)], now)

        await self._writer.run(write)
        self._mailer.written()
        return row

    async def page(self, caller: SessionCaller, request: PageRequest) -> Page[InvitationRow]:
        """A page of the invitations that wait."""
        return await self._database.read(invitation_store.page, caller.org_id, request, self._clock.now_ms())

    async def withdraw(self, caller: SessionCaller, id: str) -> None:
        """Ends an invitation. Raises `InvitationNotFound`."""
        if not await self._writer.run(invitation_store.withdraw, caller.org_id, id, self._clock.now_ms()):
            raise InvitationNotFound(id)

    async def accept(self, token: str, password: str | None, name: str) -> Joined:
        """Makes the invited person a member, with a new account if the address has none.

        A refusal keeps the link. Raises `LinkNotValid`, `ValidationFailed`, `RegistrationClosed`,
        `Unavailable`.
        """
        given, name, now = given_token(token), name.strip(), self._clock.now_ms()
        if given is None:
            raise LinkNotValid
        if violations := [
            *([] if password is None else password_violations("password", password)),
            *name_violations("name", name),
        ]:
            raise ValidationFailed(violations)
        password_hash = None if password is None else await self._passwords.hash(password)
        user_id = new_id()

        def write(tx: Tx) -> Joined:
            invitation = invitation_store.take(tx, given, now)
            if invitation is None:
                raise LinkNotValid
            user = store.user_of(tx, invitation.email)
            if user is None:
                self._check_new(invitation.email, password)
                store.add_user(tx, user_id, invitation.email, password_hash or "", now, name)
                # Another invitation of the address may have been accepted in the same moment.
                user = store.user_of(tx, invitation.email)
            if user is None:
                raise LinkNotValid
            if member_store.member(tx, invitation.org_id, user.id) is None:
                store.add_member(tx, invitation.org_id, user.id, invitation.role, now)
            memberships = store.memberships(tx, user.id)
            return Joined(user, next(one for one in memberships if one.org_id == invitation.org_id))

        joined = await self._writer.run(write)
        self._sessions.forget_user(joined.user.id)
        return joined

    def _check_new(self, email: str, password: str | None) -> None:
        """Raises `RegistrationClosed` and `ValidationFailed` for a person who cannot get an account."""
        if not self._takes_new_people:
            raise RegistrationClosed
        if password is None:
            raise ValidationFailed(
                [Violation("password", "is required, as the invited address has no account yet")]
            )
        if violations := password_violations("password", password, email):
            raise ValidationFailed(violations)

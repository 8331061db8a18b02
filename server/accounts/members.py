"""An organisation and its members (contract row C-77)."""

from server.accounts import member_store, store
from server.accounts.faults import LastOwner, MemberNotFound
from server.accounts.member_store import MemberRow
from server.accounts.rules import name_violations
from server.accounts.sessions import Sessions
from server.accounts.store import OrganisationRow
from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.permissions import RoleName
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials, MissingRole


class Members:
    """Shows and changes the caller's organisation and its members."""

    def __init__(self, database: Database, writer: Writer, sessions: Sessions) -> None:
        self._database = database
        self._writer = writer
        self._sessions = sessions

    async def organisation(self, caller: SessionCaller) -> OrganisationRow:
        """The caller's organisation."""
        return _found(await self._database.read(store.change_organisation, caller.org_id, {}))

    async def rename(self, caller: SessionCaller, name: str) -> OrganisationRow:
        """Renames the caller's organisation. Raises `ValidationFailed`."""
        name = name.strip()
        violations = name_violations("name", name) if name else [Violation("name", "is required")]
        if violations:
            raise ValidationFailed(violations)
        return _found(await self._writer.run(store.change_organisation, caller.org_id, {"name": name}))

    async def page(self, caller: SessionCaller, request: PageRequest) -> Page[MemberRow]:
        """A page of the members of the caller's organisation."""
        return await self._database.read(member_store.page, caller.org_id, request)

    async def change_role(self, caller: SessionCaller, user_id: str, role: RoleName) -> MemberRow:
        """Changes what a member may do, in this process at once and in others within 5 seconds.

        Raises `MemberNotFound`, `MissingRole`, `LastOwner`.
        """

        def write(tx: Tx) -> MemberRow:
            member = _changeable(tx, caller, user_id, role)
            member_store.set_role(tx, caller.org_id, user_id, role)
            return member._replace(role=role)

        member = await self._writer.run(write)
        self._sessions.forget_user(user_id)
        return member

    async def remove(self, caller: SessionCaller, user_id: str) -> None:
        """Takes a member out. Raises `MemberNotFound`, `MissingRole`, `LastOwner`."""

        def write(tx: Tx) -> None:
            _changeable(tx, caller, user_id, None)
            member_store.remove(tx, caller.org_id, user_id)

        await self._writer.run(write)
        self._sessions.forget_user(user_id)

    async def leave(self, caller: SessionCaller) -> None:
        """Takes the caller out. Raises `LastOwner`."""

        def write(tx: Tx) -> None:
            if member_store.lock_owners(tx, caller.org_id) == [caller.user_id]:
                raise LastOwner
            member_store.remove(tx, caller.org_id, caller.user_id)

        await self._writer.run(write)
        self._sessions.forget_user(caller.user_id)


def check_authority(tx: Tx, caller: SessionCaller, *roles: RoleName | None) -> None:
    """Raises `MissingRole` if one of the roles is that of owners, about whom only owners decide.

    The caller's own role is read anew: a session may know it for 4 seconds.
    """
    own = member_store.member(tx, caller.org_id, caller.user_id)
    if own is None:
        raise InvalidCredentials
    if own.role not in ("owner", "admin"):
        raise MissingRole(own.role, "admin")
    if own.role != "owner" and "owner" in roles:
        raise MissingRole(own.role, "owner")


def _changeable(tx: Tx, caller: SessionCaller, user_id: str, role: RoleName | None) -> MemberRow:
    """The member, who may be given this role, or be taken out if it is None.

    Raises `MemberNotFound`, `MissingRole`, `LastOwner`.
    """
    owners = member_store.lock_owners(tx, caller.org_id)
    member = member_store.member(tx, caller.org_id, user_id)
    if member is None:
        raise MemberNotFound(user_id)
    check_authority(tx, caller, member.role, role)
    if owners == [user_id] and role != "owner":
        raise LastOwner
    return member


def _found(row: OrganisationRow | None) -> OrganisationRow:
    if row is None:
        raise InvalidCredentials
    return row

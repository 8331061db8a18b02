"""AccountService: the organisation, its members and invitations."""

from zidimail.v1 import access_pb2, account_pb2
from zidimail.v1 import account_service_pb2 as pb

from server.accounts import audit_store
from server.accounts.audit_store import EntryRow
from server.accounts.closing import Closing
from server.accounts.faults import InvitationNotFound, MemberNotFound
from server.accounts.invitation_store import InvitationRow
from server.accounts.invitations import Invitations
from server.accounts.member_store import MemberRow
from server.accounts.members import Members
from server.accounts.sign_in import SignIn
from server.accounts.sign_in_rpc import membership_message, session_fields, user_message
from server.accounts.store import OrganisationRow
from server.db.database import Database
from server.faults import ValidationFailed, Violation
from server.ids import is_id
from server.permissions import RoleName
from server.wire.access import CREDENTIALS, ROLES
from server.wire.caller import Person, identify_person, session_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp

_NAMES: dict[access_pb2.Role, RoleName] = {value: name for name, value in ROLES.items()}


class MemberServicer:
    """The methods of people who share an organisation."""

    def __init__(
        self,
        database: Database,
        members: Members,
        invitations: Invitations,
        sign_in: SignIn,
        closing: Closing,
    ) -> None:
        self._database = database
        self._members = members
        self._invitations = invitations
        self._sign_in = sign_in
        self._closing = closing

    async def SwitchOrganisation(
        self, request: pb.SwitchOrganisationRequest, context: Context
    ) -> pb.SwitchOrganisationResponse:
        """Moves the caller's session to another organisation."""
        session = await self._sign_in.switch(session_caller(), request.org_id)
        identify_person(Person(session.user.id, session.membership.org_id))
        return pb.SwitchOrganisationResponse(**session_fields(session))

    async def GetOrganisation(
        self, request: pb.GetOrganisationRequest, context: Context
    ) -> pb.GetOrganisationResponse:
        """The caller's organisation."""
        row = await self._members.organisation(session_caller())
        return pb.GetOrganisationResponse(organisation=_organisation(row))

    async def UpdateOrganisation(
        self, request: pb.UpdateOrganisationRequest, context: Context
    ) -> pb.UpdateOrganisationResponse:
        """Renames the caller's organisation."""
        row = await self._members.rename(session_caller(), request.name)
        return pb.UpdateOrganisationResponse(organisation=_organisation(row))

    async def CloseOrganisation(
        self, request: pb.CloseOrganisationRequest, context: Context
    ) -> pb.CloseOrganisationResponse:
        """Closes the caller's organisation."""
        caller = session_caller()
        user = await self._sign_in.confirm_password(caller, request.password)
        await self._closing.close(caller, user, request.code if request.HasField("code") else None)
        return pb.CloseOrganisationResponse()

    async def LeaveOrganisation(
        self, request: pb.LeaveOrganisationRequest, context: Context
    ) -> pb.LeaveOrganisationResponse:
        """Takes the caller out."""
        await self._members.leave(session_caller())
        return pb.LeaveOrganisationResponse()

    async def ListMembers(self, request: pb.ListMembersRequest, context: Context) -> pb.ListMembersResponse:
        """A page of the members."""
        wanted = page_request(request)
        page = await self._members.page(session_caller(), wanted)
        return pb.ListMembersResponse(data=map(member_message, page.rows), **page_fields(page, wanted))

    async def UpdateMember(
        self, request: pb.UpdateMemberRequest, context: Context
    ) -> pb.UpdateMemberResponse:
        """Changes a member's role."""
        if not is_id(request.id):
            raise MemberNotFound(request.id)
        if request.role not in _NAMES:
            raise _no_role()
        row = await self._members.change_role(session_caller(), request.id, _NAMES[request.role])
        return pb.UpdateMemberResponse(member=member_message(row))

    async def DeleteMember(
        self, request: pb.DeleteMemberRequest, context: Context
    ) -> pb.DeleteMemberResponse:
        """Takes a member out."""
        if not is_id(request.id):
            raise MemberNotFound(request.id)
        await self._members.remove(session_caller(), request.id)
        return pb.DeleteMemberResponse(id=request.id)

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.CreateInvitationResponse:
        """Invites a person."""
        role = request.role or access_pb2.ROLE_MEMBER
        if role not in _NAMES:
            raise _no_role()
        row = await self._invitations.create(session_caller(), request.email, _NAMES[role])
        return pb.CreateInvitationResponse(invitation=_invitation(row))

    async def ListInvitations(
        self, request: pb.ListInvitationsRequest, context: Context
    ) -> pb.ListInvitationsResponse:
        """A page of the invitations that wait."""
        wanted = page_request(request)
        page = await self._invitations.page(session_caller(), wanted)
        return pb.ListInvitationsResponse(data=map(_invitation, page.rows), **page_fields(page, wanted))

    async def DeleteInvitation(
        self, request: pb.DeleteInvitationRequest, context: Context
    ) -> pb.DeleteInvitationResponse:
        """Withdraws an invitation."""
        if not is_id(request.id):
            raise InvitationNotFound(request.id)
        await self._invitations.withdraw(session_caller(), request.id)
        return pb.DeleteInvitationResponse(id=request.id)

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        """A page of the audit log."""
        wanted = page_request(request)
        page = await self._database.read(audit_store.page, session_caller().org_id, wanted)
        return pb.ListAuditEntriesResponse(data=map(_entry, page.rows), **page_fields(page, wanted))

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        """Makes the invited person a member."""
        password = request.password if request.HasField("password") else None
        joined = await self._invitations.accept(request.token, password, request.name)
        identify_person(Person(joined.user.id, joined.membership.org_id))
        return pb.AcceptInvitationResponse(
            user=user_message(joined.user), membership=membership_message(joined.membership)
        )


def _no_role() -> ValidationFailed:
    return ValidationFailed([Violation("role", "must be read_only, member, admin or owner")])


def _organisation(row: OrganisationRow) -> account_pb2.Organisation:
    return account_pb2.Organisation(
        id=row.org_id,
        name=row.name,
        plan=row.plan,
        sandbox=row.sandbox,
        owner_email=row.owner_email,
        created_at=timestamp(row.created_at),
    )


def _entry(row: EntryRow) -> account_pb2.AuditEntry:
    names = {"api_key": row.key_name, "session": row.user_email}
    return account_pb2.AuditEntry(
        id=row.id,
        created_at=timestamp(row.at),
        method=row.method,
        target_id=row.target_id,
        credential=CREDENTIALS[row.actor],
        actor_id=row.actor_id,
        actor=names.get(row.actor, row.actor_name) or "",
        address=row.address,
        reason=row.reason,
    )


def member_message(row: MemberRow) -> account_pb2.Member:
    """A member in protobuf."""
    return account_pb2.Member(
        id=row.id, email=row.email, name=row.name, role=ROLES[row.role], created_at=timestamp(row.created_at)
    )


def _invitation(row: InvitationRow) -> account_pb2.Invitation:
    return account_pb2.Invitation(
        id=row.id,
        email=row.email,
        role=ROLES[row.role],
        invited_by=row.invited_by,
        created_at=timestamp(row.created_at),
        expires_at=timestamp(row.expires_at),
    )

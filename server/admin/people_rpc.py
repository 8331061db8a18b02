"""AdminService: the members of organisations."""

from zidimail.v1 import access_pb2
from zidimail.v1 import admin_service_pb2 as pb

from server.accounts import member_store, operator_log, session_store, store, totp_store
from server.accounts.faults import MemberNotFound
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.member_rpc import member_message
from server.accounts.member_store import MemberRow
from server.accounts.operator_log import Act
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.admin.calls import acting, organisation_id, reason
from server.admin.faults import NoSecondFactor, OrganisationNotFound
from server.admin.impersonation import impersonate, member_of
from server.clock import Clock
from server.db.database import Database
from server.db.listing import Page
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.ids import is_id
from server.permissions import RoleName
from server.wire.access import ROLES
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp

_NAMES: dict[access_pb2.Role, RoleName] = {value: name for name, value in ROLES.items()}


class PeopleServicer:
    """The methods about members."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        tokens: SessionTokens,
        sessions: Sessions,
        mailer: Mailer,
        letters: Letters,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._tokens = tokens
        self._sessions = sessions
        self._mailer = mailer
        self._letters = letters

    async def ListOrganisationMembers(
        self, request: pb.ListOrganisationMembersRequest, context: Context
    ) -> pb.ListOrganisationMembersResponse:
        """A page of the members of an organisation."""
        org_id, wanted = organisation_id(request.organisation_id), page_request(request)

        def read(tx: Tx) -> Page[MemberRow]:
            if store.change_organisation(tx, org_id, {}) is None:
                raise OrganisationNotFound(org_id)
            return member_store.page(tx, org_id, wanted)

        page = await self._database.read(read)
        return pb.ListOrganisationMembersResponse(
            data=map(member_message, page.rows), **page_fields(page, wanted)
        )

    async def RemoveSecondFactor(
        self, request: pb.RemoveSecondFactorRequest, context: Context
    ) -> pb.RemoveSecondFactorResponse:
        """Removes the second factor of a member who has lost it."""
        org_id, user_id = organisation_id(request.organisation_id), _user_id(request.member_id)
        by = acting(context, self._clock, "RemoveSecondFactor", reason(request.reason, required=True))

        def write(tx: Tx) -> None:
            member_of(tx, org_id, user_id)
            user = store.user(tx, user_id)
            if user is None or user.totp_since is None:
                raise NoSecondFactor(user_id)
            totp_store.deactivate(tx, user_id)
            session_store.end_all(tx, user_id)
            self._mailer.write(tx, [self._letters.second_factor(user.email, is_on=False)], by.now_ms)
            act = Act(method=by.method, org_id=org_id, target_id=user_id, reason=by.reason)
            operator_log.record_shown(tx, by.actor, act, by.now_ms)

        await self._writer.run(write)
        self._sessions.forget_user(user_id)
        self._mailer.written()
        return pb.RemoveSecondFactorResponse(id=user_id)

    async def CreateImpersonation(
        self, request: pb.CreateImpersonationRequest, context: Context
    ) -> pb.CreateImpersonationResponse:
        """Opens a session on behalf of a member."""
        if not request.user_id:
            raise ValidationFailed([Violation("user_id", "is required")])
        org_id, user_id = organisation_id(request.organisation_id), _user_id(request.user_id)
        by = acting(context, self._clock, "CreateImpersonation", reason(request.reason, required=True))
        role = _NAMES.get(request.role, "read_only")
        made = await self._writer.run(impersonate, self._tokens, org_id, user_id, role, by)
        return pb.CreateImpersonationResponse(
            token=made.token,
            id=made.session_id,
            expires_at=timestamp(made.expires_at),
            organisation_id=org_id,
            user_id=made.user_id,
            role=ROLES[made.role],
        )


def _user_id(text: str) -> str:
    if not is_id(text):
        raise MemberNotFound(text)
    return text

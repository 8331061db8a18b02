"""AccountService: registration, login and passwords."""

from typing import Any

from zidimail.v1 import account_pb2
from zidimail.v1 import account_service_pb2 as pb

from server.accounts.registration import Registration
from server.accounts.second_factor import SecondFactor
from server.accounts.sign_in import OpenSession, SignIn
from server.accounts.store import MembershipRow, UserRow
from server.wire.access import ROLES
from server.wire.caller import Person, identify_person, session_caller
from server.wire.interceptors import Context
from server.wire.timestamps import timestamp


class SignInServicer:
    """The methods of people who sign in, or want to."""

    def __init__(self, registration: Registration, sign_in: SignIn, second_factor: SecondFactor) -> None:
        self._registration = registration
        self._sign_in = sign_in
        self._second_factor = second_factor

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        """Takes a registration."""
        made = await self._registration.register(
            request.email, request.password, request.name, request.organisation
        )
        return pb.RegisterResponse(email=made.email, expires_at=timestamp(made.expires_at))

    async def ConfirmRegistration(
        self, request: pb.ConfirmRegistrationRequest, context: Context
    ) -> pb.ConfirmRegistrationResponse:
        """Makes the user and the organisation."""
        user, org_id = await self._registration.confirm(request.token)
        identify_person(Person(user.id, org_id))
        return pb.ConfirmRegistrationResponse(user=user_message(user), org_id=org_id)

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        """Makes a session."""
        org_id = request.org_id if request.HasField("org_id") else None
        code = request.code if request.HasField("code") else None
        session = await self._sign_in.login(request.email, request.password, org_id, code)
        identify_person(Person(session.user.id, session.membership.org_id))
        return pb.LoginResponse(**session_fields(session))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        """Ends the caller's session."""
        await self._sign_in.logout(session_caller())
        return pb.LogoutResponse()

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        """The caller's session."""
        caller = session_caller()
        session = await self._sign_in.session(caller)
        fields = session_fields(session) | {"role": ROLES[caller.role]}
        return pb.GetSessionResponse(**fields, operator_name=session.operator_name)

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Context
    ) -> pb.RequestPasswordResetResponse:
        """Takes the request for a link."""
        await self._registration.request_reset(request.email)
        return pb.RequestPasswordResetResponse(email=request.email)

    async def ResetPassword(
        self, request: pb.ResetPasswordRequest, context: Context
    ) -> pb.ResetPasswordResponse:
        """Sets a new password by a link."""
        user = await self._registration.reset(request.token, request.password)
        identify_person(Person(user.id))
        return pb.ResetPasswordResponse()

    async def BeginTotp(self, request: pb.BeginTotpRequest, context: Context) -> pb.BeginTotpResponse:
        """Makes a secret for an app."""
        user = await self._sign_in.confirm_password(session_caller(), request.password)
        made = await self._second_factor.begin(user)
        return pb.BeginTotpResponse(secret=made.secret, uri=made.uri)

    async def ActivateTotp(
        self, request: pb.ActivateTotpRequest, context: Context
    ) -> pb.ActivateTotpResponse:
        """Adds the second factor."""
        codes = await self._second_factor.activate(session_caller(), request.code)
        return pb.ActivateTotpResponse(recovery_codes=codes)

    async def DeactivateTotp(
        self, request: pb.DeactivateTotpRequest, context: Context
    ) -> pb.DeactivateTotpResponse:
        """Removes the second factor."""
        user = await self._sign_in.confirm_password(session_caller(), request.password)
        await self._second_factor.deactivate(user, request.code)
        return pb.DeactivateTotpResponse()

    async def RenewRecoveryCodes(
        self, request: pb.RenewRecoveryCodesRequest, context: Context
    ) -> pb.RenewRecoveryCodesResponse:
        """Makes new recovery codes."""
        user = await self._sign_in.confirm_password(session_caller(), request.password)
        codes = await self._second_factor.renew_codes(user, request.code)
        return pb.RenewRecoveryCodesResponse(recovery_codes=codes)

    async def ChangePassword(
        self, request: pb.ChangePasswordRequest, context: Context
    ) -> pb.ChangePasswordResponse:
        """Changes the caller's password."""
        caller = session_caller()
        await self._sign_in.change_password(caller, request.current_password, request.new_password)
        return pb.ChangePasswordResponse()


def session_fields(session: OpenSession) -> dict[str, Any]:
    """The fields that every answer with a session has."""
    return {
        "token": session.token,
        "expires_at": timestamp(session.expires_at),
        "user": user_message(session.user),
        "org_id": session.membership.org_id,
        "role": ROLES[session.membership.role],
        "organisations": map(membership_message, session.memberships),
    }


def user_message(row: UserRow) -> account_pb2.User:
    """A user in protobuf."""
    return account_pb2.User(
        id=row.id,
        email=row.email,
        name=row.name,
        created_at=timestamp(row.created_at),
        second_factor=row.totp_since is not None,
    )


def membership_message(row: MembershipRow) -> account_pb2.Membership:
    """A user's organisation in protobuf."""
    return account_pb2.Membership(
        org_id=row.org_id, name=row.name, role=ROLES[row.role], created_at=timestamp(row.created_at)
    )

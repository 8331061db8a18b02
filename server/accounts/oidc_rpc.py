"""AccountService: logins at the OpenID Connect provider, and the ways to sign in."""

from collections.abc import Sequence

from zidimail.v1 import account_pb2
from zidimail.v1 import account_service_pb2 as pb

from server.accounts.identities import Identities
from server.accounts.oidc import OidcLogin
from server.accounts.oidc_faults import OidcNotConfigured
from server.accounts.oidc_store import IdentityRow
from server.accounts.sign_in import SignIn
from server.accounts.sign_in_rpc import session_fields
from server.accounts.store import UserRow
from server.wire.caller import Person, identify_person, session_caller
from server.wire.interceptors import Context
from server.wire.timestamps import timestamp


class OidcServicer:
    """The two methods of a login at the provider, and those of the ways to sign in.

    `login` is None if `missing` settings are not made.
    """

    def __init__(
        self, login: OidcLogin | None, missing: Sequence[str], identities: Identities, sign_in: SignIn
    ) -> None:
        self._login = login
        self._missing = missing
        self._identities = identities
        self._sign_in = sign_in

    async def BeginOidcLogin(
        self, request: pb.BeginOidcLoginRequest, context: Context
    ) -> pb.BeginOidcLoginResponse:
        """Begins a login."""
        login = self._configured()
        begun = await login.begin()
        return pb.BeginOidcLoginResponse(
            authorization_url=begun.authorization_url,
            state=begun.state,
            binding=begun.binding,
            provider=login.name,
            expires_at=timestamp(begun.expires_at),
        )

    async def FinishOidcLogin(
        self, request: pb.FinishOidcLoginRequest, context: Context
    ) -> pb.FinishOidcLoginResponse:
        """Makes a session."""
        org_id = request.org_id if request.HasField("org_id") else None
        code = request.second_factor_code if request.HasField("second_factor_code") else None
        session = await self._configured().finish(request.code, request.state, request.binding, org_id, code)
        identify_person(Person(session.user.id, session.membership.org_id))
        return pb.FinishOidcLoginResponse(**session_fields(session))

    async def GetSignInMethods(
        self, request: pb.GetSignInMethodsRequest, context: Context
    ) -> pb.GetSignInMethodsResponse:
        """The ways to sign in of the caller."""
        methods = await self._identities.methods(session_caller())
        return pb.GetSignInMethodsResponse(
            second_factor=methods.second_factor,
            recovery_codes_left=methods.recovery_codes_left,
            identities=map(_identity, methods.identities),
        )

    async def DeactivateIdentity(
        self, request: pb.DeactivateIdentityRequest, context: Context
    ) -> pb.DeactivateIdentityResponse:
        """Ends the logins by an identity."""
        user = await self._confirmed(request.id, request.password)
        row = await self._identities.deactivate(session_caller(), user, request.id)
        return pb.DeactivateIdentityResponse(identity=_identity(row))

    async def ActivateIdentity(
        self, request: pb.ActivateIdentityRequest, context: Context
    ) -> pb.ActivateIdentityResponse:
        """Allows the logins by an identity again."""
        user = await self._confirmed(request.id, request.password)
        row = await self._identities.activate(user, request.id)
        return pb.ActivateIdentityResponse(identity=_identity(row))

    async def _confirmed(self, id: str, password: str) -> UserRow:
        """The caller's user, who has this identity and has given the password once more.

        Raises `IdentityNotFound`, `InvalidLogin`, `TooManyAttempts`, `Unavailable`.
        """
        await self._identities.check(session_caller(), id)
        return await self._sign_in.confirm_password(session_caller(), password)

    def _configured(self) -> OidcLogin:
        """Raises `OidcNotConfigured`."""
        if self._login is None:
            raise OidcNotConfigured(self._missing)
        return self._login


def _identity(row: IdentityRow) -> account_pb2.Identity:
    return account_pb2.Identity(
        id=row.id,
        issuer=row.issuer,
        subject=row.subject,
        created_at=timestamp(row.created_at),
        deactivated_at=None if row.deactivated_at is None else timestamp(row.deactivated_at),
    )

"""AccountService: logins at the OpenID Connect provider."""

from collections.abc import Sequence

from zidimail.v1 import account_service_pb2 as pb

from server.accounts.oidc import OidcLogin
from server.accounts.oidc_faults import OidcNotConfigured
from server.accounts.sign_in_rpc import session_fields
from server.wire.interceptors import Context
from server.wire.timestamps import timestamp


class OidcServicer:
    """The two methods of a login at the provider; `login` is None if `missing` settings are not made."""

    def __init__(self, login: OidcLogin | None, missing: Sequence[str]) -> None:
        self._login = login
        self._missing = missing

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
        return pb.FinishOidcLoginResponse(**session_fields(session))

    def _configured(self) -> OidcLogin:
        """Raises `OidcNotConfigured`."""
        if self._login is None:
            raise OidcNotConfigured(self._missing)
        return self._login

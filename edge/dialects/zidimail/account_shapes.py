"""The shapes of accounts and of the people who sign in."""

from __future__ import annotations

from collections.abc import Mapping

from edge.transcoding.request_shape import RequestShape
from edge.transcoding.response_shape import ResponseShape, always

_SIGN_IN = {"email": "ada@example.com", "password": "correct horse battery staple"}
_FROM_PROVIDER = {
    "code": "SplxlOBeZQQYbYS6WxSbIA",
    "state": "01k5m3v9x8q2w7e4r6t1y0zz_n0nceAndOtherSecretsAreNotShownToThePage0000",
}

REQUESTS: Mapping[str, RequestShape] = {
    "RegisterRequest": RequestShape(example=_SIGN_IN),
    "LoginRequest": RequestShape(example=_SIGN_IN),
    "FinishOidcLoginRequest": RequestShape(undescribed=("binding",), example=_FROM_PROVIDER),
    "UpdateOrganisationRequest": RequestShape(example={"name": "Analytical Engines"}),
    "CreateErasureRequest": RequestShape(example={"email": "ada@example.com"}),
    "CreateInvitationRequest": RequestShape(example={"email": "ada@example.com", "role": "admin"}),
}

RESPONSES: Mapping[str, ResponseShape] = {
    "User": ResponseShape("user"),
    "Membership": ResponseShape("membership"),
    "RegisterResponse": ResponseShape("registration"),
    "ConfirmRegistrationResponse": ResponseShape("registration"),
    "LoginResponse": ResponseShape("session", reveals=("token",)),
    # The binding is in the cookie alone.
    "BeginOidcLoginResponse": ResponseShape("oidc_login", hidden=("binding",)),
    "FinishOidcLoginResponse": ResponseShape("session", reveals=("token",)),
    "SwitchOrganisationResponse": ResponseShape("session", reveals=("token",)),
    "LogoutResponse": ResponseShape("session", {"ended": always(True)}),
    # A new token is in the cookie alone.
    "GetSessionResponse": ResponseShape("session", hidden=("token",)),
    "RequestPasswordResetResponse": ResponseShape("password_reset"),
    "ResetPasswordResponse": ResponseShape("password_reset", {"changed": always(True)}),
    "ChangePasswordResponse": ResponseShape("password", {"changed": always(True)}),
    "BeginTotpResponse": ResponseShape("second_factor", reveals=("secret",)),
    "ActivateTotpResponse": ResponseShape("second_factor"),
    "RenewRecoveryCodesResponse": ResponseShape("second_factor"),
    "DeactivateTotpResponse": ResponseShape("second_factor", {"removed": always(True)}),
    "GetSignInMethodsResponse": ResponseShape("sign_in_methods"),
    "Identity": ResponseShape("identity"),
    "Organisation": ResponseShape("organisation"),
    "LeaveOrganisationResponse": ResponseShape("organisation", {"left": always(True)}),
    "CloseOrganisationResponse": ResponseShape("organisation", {"closed": always(True)}),
    "Member": ResponseShape("member"),
    "DeleteMemberResponse": ResponseShape("member", {"deleted": always(True)}),
    "AuditEntry": ResponseShape("audit_entry"),
    "Erasure": ResponseShape("erasure"),
    "Export": ResponseShape("export"),
    "Invitation": ResponseShape("invitation"),
    "DeleteInvitationResponse": ResponseShape("invitation", {"deleted": always(True)}),
    "AcceptInvitationResponse": ResponseShape("membership"),
    "GetAccountHealthResponse": ResponseShape("account_health"),
}

"""The shapes of accounts and of the people who sign in."""

from __future__ import annotations

from collections.abc import Mapping

from edge.transcoding.request_shape import RequestShape
from edge.transcoding.response_shape import ResponseShape, always

_SIGN_IN = {"email": "ada@example.com", "password": "correct horse battery staple"}

REQUESTS: Mapping[str, RequestShape] = {
    "RegisterRequest": RequestShape(example=_SIGN_IN),
    "LoginRequest": RequestShape(example=_SIGN_IN),
}

RESPONSES: Mapping[str, ResponseShape] = {
    "User": ResponseShape("user"),
    "Membership": ResponseShape("membership"),
    "RegisterResponse": ResponseShape("registration"),
    "ConfirmRegistrationResponse": ResponseShape("registration"),
    "LoginResponse": ResponseShape("session", reveals=("token",)),
    "LogoutResponse": ResponseShape("session", {"ended": always(True)}),
    # A new token is in the cookie alone.
    "GetSessionResponse": ResponseShape("session", hidden=("token",)),
    "RequestPasswordResetResponse": ResponseShape("password_reset"),
    "ResetPasswordResponse": ResponseShape("password_reset", {"changed": always(True)}),
    "ChangePasswordResponse": ResponseShape("password", {"changed": always(True)}),
    "GetAccountHealthResponse": ResponseShape("account_health"),
}

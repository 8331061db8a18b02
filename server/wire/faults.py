"""Faults of authentication and access, raised before a request is handled; one for each `ErrorReason`."""

import math

from server.faults import Fault, Unavailable


class MissingCredentials(Fault):
    """The call carries no credential."""

    reason, code = "MISSING_CREDENTIALS", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("No credential was given. Send it as `authorization: Bearer <API key or token>`.")


class InvalidCredentials(Fault):
    """The credential is malformed, unknown, expired or revoked; callers do not learn which."""

    reason, code = "INVALID_CREDENTIALS", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The API key or token is not valid: it is malformed, unknown, expired or revoked.")


class SeveralCredentials(Fault):
    """The call carries two credentials, which may belong to different callers (contract row C-91)."""

    reason, code = "INVALID_CREDENTIALS", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The call carries more than one `authorization` entry. Send one credential.")


class EdgeNotRecognised(Unavailable):
    """An edge has another secret than this server: an error of the operator's settings."""

    def __init__(self) -> None:
        super().__init__(
            10.0,
            "The server does not know the edge that made this call. The operator must give both the same "
            "ZIDIMAIL_EDGE_SECRET.",
        )


class WrongCredentialKind(Fault):
    """The method needs another kind of credential (contract row C-9)."""

    reason, code = "WRONG_CREDENTIAL_KIND", "UNAUTHENTICATED"

    def __init__(self, needed: str) -> None:
        names = {
            "api_key": "an API key",
            "live_key": "an API key that is not for tests",
            "unbound_key": "an API key that is not bound to domains",
            "session": "a session token, as made by logging in",
            "operator": "an operator's session or token",
            "internal": "the secret that the programs of this installation share",
        }
        super().__init__(
            f"This call needs {names[needed]}; another kind of credential was given.", needed=needed
        )


class MissingPermission(Fault):
    """The API key lacks the permission for the method (contract row F-7)."""

    reason, code = "MISSING_PERMISSION", "PERMISSION_DENIED"

    def __init__(self, permission: str, needed: str) -> None:
        super().__init__(
            f"This API key has the permission {permission}, and the call needs {needed}. Use another key.",
            permission=permission,
            needed=needed,
        )


class MissingRole(Fault):
    """The user's role in the organisation is too low for the method (contract row C-77)."""

    reason, code = "MISSING_PERMISSION", "PERMISSION_DENIED"

    def __init__(self, role: str, needed: str) -> None:
        super().__init__(
            f"Your role in this organisation is {role}, and the call needs {needed}. Ask an owner for it.",
            permission=role,
            needed=needed,
        )


class OperatorSecondFactorRequired(Fault):
    """The session of an operator was opened without the user's second factor (contract row C-76)."""

    reason, code = "OPERATOR_SECOND_FACTOR_REQUIRED", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__(
            "Your account has a second factor, and this session was opened without it. Sign in again with a "
            "code."
        )


class ImpersonationNotAllowed(Fault):
    """The call is the person's own to make, and the session was opened by an operator (contract row F-14)."""

    reason, code = "IMPERSONATION_NOT_ALLOWED", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__(
            "An operator opened this session on behalf of the user. Only the user itself may make this call."
        )


class AddressNotAllowed(Fault):
    """The API key may not be used from the client's address (contract row F-7)."""

    reason, code = "ADDRESS_NOT_ALLOWED", "PERMISSION_DENIED"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"This API key may not be used from {address}. Call from an address that the key allows.",
            address=address,
        )


class TooManyRequests(Fault):
    """One address has made more calls that sign people in than it may (contract row C-47)."""

    reason, code = "TOO_MANY_REQUESTS", "RESOURCE_EXHAUSTED"

    def __init__(self, limit: int, retry_after_s: float) -> None:
        seconds = max(1, math.ceil(retry_after_s))
        super().__init__(
            f"Your address has made more than {limit} such calls in a short time. Try again in {seconds} "
            "seconds.",
            limit=str(limit),
            retry_after=str(seconds),
        )
        self.retry_after_s = float(seconds)

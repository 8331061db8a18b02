"""Refusals of a call before its method runs."""

from server.faults import Fault


class MissingCredentials(Fault):
    """The call carries no credential."""

    reason, code = "MISSING_CREDENTIALS", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("No credential was given. Send it as `authorization: Bearer <API key or token>`.")


class WrongCredentialKind(Fault):
    """The method wants another kind of credential (contract row C-9)."""

    reason, code = "WRONG_CREDENTIAL_KIND", "UNAUTHENTICATED"

    def __init__(self, needed: str) -> None:
        names = {"api_key": "an API key", "session": "a session token, as made by logging in"}
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


class AddressNotAllowed(Fault):
    """The API key may not be used from where the call came from (contract row F-7)."""

    reason, code = "ADDRESS_NOT_ALLOWED", "PERMISSION_DENIED"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"This API key may not be used from {address}. Call from an address that the key allows.",
            address=address,
        )

"""Faults of logins at the OpenID Connect provider."""

from collections.abc import Sequence

from server.faults import Fault

_RETRY_AFTER_S = 30.0


class OidcNotConfigured(Fault):
    """The installation lacks settings for a provider."""

    reason, code = "OIDC_NOT_CONFIGURED", "NOT_FOUND"

    def __init__(self, missing: Sequence[str]) -> None:
        names = ", ".join(missing)
        super().__init__(
            f"This installation has no OpenID Connect provider. For logins there its operator sets {names}.",
            settings=names,
        )


class OidcLoginNotValid(Fault):
    """The login is unknown, used, expired or another browser's; callers do not learn which."""

    reason, code = "OIDC_LOGIN_NOT_VALID", "FAILED_PRECONDITION"

    def __init__(self) -> None:
        super().__init__(
            "The login at the provider was finished before, has expired, or began in another browser. Begin "
            "again."
        )


class OidcLoginRefused(Fault):
    """The provider refuses the code, or its statement about the person is not valid."""

    reason, code = "OIDC_LOGIN_REFUSED", "UNAUTHENTICATED"

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The login at the provider failed: {problem}. Begin again. If it fails again, ask the operator.",
            problem=problem,
        )


class OidcProviderUnavailable(Fault):
    """The provider cannot be reached, or what it answers cannot be used. `problem` says so in a few words."""

    reason, code = "OIDC_PROVIDER_UNAVAILABLE", "UNAVAILABLE"

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The OpenID Connect provider does not work now: {problem}. Begin again in {_RETRY_AFTER_S:g} "
            "seconds, or sign in with your password.",
            problem=problem,
            retry_after=f"{_RETRY_AFTER_S:g}",
        )
        self.retry_after_s = _RETRY_AFTER_S


class OidcAddressNotVerified(Fault):
    """The person is unknown here, and the provider does not say that the address is verified."""

    reason, code = "OIDC_ADDRESS_NOT_VERIFIED", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__(
            "The provider does not say that your address is verified. Verify it there and begin again, or "
            "sign in with your password."
        )


class IdentityDeactivated(Fault):
    """The user has ended the logins by this account at the provider."""

    reason, code = "IDENTITY_DEACTIVATED", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__(
            "Logins by this account at the provider were ended. Sign in with your password, and activate it "
            "again if it is yours."
        )


class IdentityNotFound(Fault):
    """The user has no account at a provider with this id."""

    reason, code = "IDENTITY_NOT_FOUND", "NOT_FOUND"

    def __init__(self, id: str) -> None:
        super().__init__(
            f"You have no account at a provider with the id {id}. Look at your ways to sign in to see them.",
            id=id,
        )

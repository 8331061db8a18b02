"""Faults of signing in and of organisations' members."""

import math

from server.faults import Fault


class InvalidLogin(Fault):
    """The address or the password is wrong; callers do not learn which."""

    reason, code = "INVALID_LOGIN", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong. Check both, or ask for a new password.")


class TooManyAttempts(Fault):
    """Too many wrong passwords for one address, known or not."""

    reason, code = "TOO_MANY_ATTEMPTS", "RESOURCE_EXHAUSTED"

    def __init__(self, retry_after_s: float) -> None:
        seconds = max(1, math.ceil(retry_after_s))
        super().__init__(
            f"Too many wrong passwords were given for this address. Try again in {seconds} seconds, or ask "
            "for a new password.",
            retry_after=str(seconds),
        )
        self.retry_after_s = float(seconds)


class RegistrationClosed(Fault):
    """This installation takes no registrations without an invitation (contract row C-78)."""

    reason, code = "REGISTRATION_CLOSED", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__("Registration is closed here. Ask for an invitation, or ask the operator.")


class LinkNotValid(Fault):
    """The token of a link is incomplete, was used before or has expired; callers do not learn which."""

    reason, code = "LINK_NOT_VALID", "FAILED_PRECONDITION"

    def __init__(self) -> None:
        super().__init__("The link is incomplete, was used before or has expired. Ask for a new one.")


class NotAMember(Fault):
    """The user is not a member of the organisation, or of none at all."""

    reason, code = "NOT_A_MEMBER", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__("You are not a member of this organisation. Ask one of its owners to invite you.")

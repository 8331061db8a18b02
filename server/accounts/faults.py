"""Faults of signing in and of organisations' members."""

import math

from server.faults import Fault


class InvalidLogin(Fault):
    """The address or the password is wrong; callers do not learn which."""

    reason, code = "INVALID_LOGIN", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong. Check both, or ask for a new password.")


class SecondFactorRequired(Fault):
    """The person is known, and the account asks for a code, in this `field` of the request."""

    reason, code = "SECOND_FACTOR_REQUIRED", "UNAUTHENTICATED"

    def __init__(self, field: str = "code") -> None:
        super().__init__(
            f"This account has a second factor. Send the code of your app, or a recovery code, as `{field}`.",
            field=field,
        )


class InvalidCode(Fault):
    """The code of a second factor is wrong, was used before, or belongs to an earlier secret."""

    reason, code = "INVALID_CODE", "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The code is wrong or was used before. Wait for the next one of your app.")


class SecondFactorActive(Fault):
    """The user has a second factor already."""

    reason, code = "SECOND_FACTOR_ACTIVE", "ALREADY_EXISTS"

    def __init__(self) -> None:
        super().__init__("Your account has a second factor already. Deactivate it before you add another.")


class SecondFactorNotBegun(Fault):
    """The user has not begun to add a second factor."""

    reason, code = "SECOND_FACTOR_NOT_BEGUN", "FAILED_PRECONDITION"

    def __init__(self) -> None:
        super().__init__(
            "There is no second factor to activate. Call BeginTotp first, add its secret to your app, and "
            "send the code that the app shows."
        )


class SecondFactorNotActive(Fault):
    """The user has no second factor."""

    reason, code = "SECOND_FACTOR_NOT_ACTIVE", "FAILED_PRECONDITION"

    def __init__(self) -> None:
        super().__init__(
            "Your account has no second factor: your password alone signs you in. Add one by BeginTotp and "
            "ActivateTotp."
        )


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


class MemberNotFound(Fault):
    """No such member of the caller's organisation."""

    reason, code = "MEMBER_NOT_FOUND", "NOT_FOUND"

    def __init__(self, id: str) -> None:
        super().__init__(f"No member has the id {id}. List the members to see their ids.", id=id)


class InvitationNotFound(Fault):
    """No such invitation to the caller's organisation, or it was answered, withdrawn or has expired."""

    reason, code = "INVITATION_NOT_FOUND", "NOT_FOUND"

    def __init__(self, id: str) -> None:
        super().__init__(
            f"No invitation that waits has the id {id}. List the invitations to see them.", id=id
        )


class AlreadyAMember(Fault):
    """The invited address belongs to a member."""

    reason, code = "ALREADY_A_MEMBER", "ALREADY_EXISTS"

    def __init__(self, email: str) -> None:
        super().__init__(
            f"{email} is a member of this organisation already. Change the member's role instead.",
            email=email,
        )


class LastOwner(Fault):
    """The organisation would be left without an owner."""

    reason, code = "LAST_OWNER", "FAILED_PRECONDITION"

    def __init__(self) -> None:
        super().__init__("This is the only owner of the organisation. Make another member an owner first.")


class TooManyInvitations(Fault):
    """The organisation has invited as many people in a day as it may."""

    reason, code = "TOO_MANY_INVITATIONS", "RESOURCE_EXHAUSTED"

    def __init__(self, limit: int, retry_after_s: float) -> None:
        seconds = max(1, math.ceil(retry_after_s))
        super().__init__(
            f"An organisation invites at most {limit} people in a day. Try again in {seconds} seconds.",
            limit=str(limit),
            retry_after=str(seconds),
        )
        self.retry_after_s = float(seconds)


class NotAMember(Fault):
    """The user is not a member of the organisation, or of none at all."""

    reason, code = "NOT_A_MEMBER", "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__(
            "You are not a member of the organisation, or of any. Ask an owner to invite you, or register "
            "your address again: the link in the mail makes an organisation of your own."
        )

"""Rules for organisations and their owners."""

from typing import Literal, get_args

from email_validator import EmailNotValidError, validate_email

from server.addresses import mailbox
from server.faults import ValidationFailed, Violation

Plan = Literal["free", "starter", "pro", "scale", "enterprise"]
# The source of the quotas: the plan, or a level that is earned by reputation.
Profile = Literal["plan", "level"]
PLANS: tuple[Plan, ...] = get_args(Plan)
PROFILES: tuple[Profile, ...] = get_args(Profile)


def owner_address(email: str) -> str:
    """The owner's address, its domain in lower case and as A-labels. Raises `ValidationFailed`."""
    try:
        # Without a DNS look-up, and `.test` is allowed, so that the platform can be tried out locally.
        checked = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationFailed([Violation("email", f"is not an email address: {error}")]) from None
    # In the form of recipients: the sandbox compares both (Z-25).
    return mailbox(checked.normalized).address

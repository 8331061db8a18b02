"""What an organisation and its owner must look like."""

from typing import Literal, get_args

from email_validator import EmailNotValidError, validate_email

from server.addresses import mailbox
from server.faults import ValidationFailed, Violation

Plan = Literal["free", "starter", "pro", "scale", "enterprise"]
# How quotas are counted: by the plan's allowance, or by a level earned with reputation.
Profile = Literal["plan", "level"]
PLANS: tuple[Plan, ...] = get_args(Plan)
PROFILES: tuple[Profile, ...] = get_args(Profile)


def owner_address(email: str) -> str:
    """The owner's address, its domain in lower case and as DNS knows it. Raises `ValidationFailed`."""
    try:
        # No look-up, and names under `.test` are fine: a platform is tried out before it is run.
        checked = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationFailed([Violation("email", f"is not an email address: {error}")]) from None
    # As recipients are written too: in the sandbox the two are compared (Z-25).
    return mailbox(checked.normalized).address

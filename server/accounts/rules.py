"""Rules for organisations, their owners, and the people who sign in."""

from collections.abc import Sequence
from typing import Literal, get_args

from email_validator import EmailNotValidError, validate_email

from server.addresses import mailbox
from server.faults import ValidationFailed, Violation

Plan = Literal["free", "starter", "pro", "scale", "enterprise"]
# The source of the quotas: the plan, or a level that is earned by reputation.
Profile = Literal["plan", "level"]
PLANS: tuple[Plan, ...] = get_args(Plan)
PROFILES: tuple[Profile, ...] = get_args(Profile)

# The least length is above that of NIST SP 800-63B section 5.1.1.2; the greatest bounds the work.
MIN_PASSWORD, MAX_PASSWORD = 10, 256
MAX_NAME = 100
# Wrong passwords in a row that cost nothing; each further one doubles the pause, up to a quarter of an hour.
FREE_ATTEMPTS = 5
_LONGEST_PAUSE_S = 900
# The time after the last attempt from which on the earlier ones do not count.
ATTEMPTS_FORGOTTEN_MS = 24 * 3_600_000


def owner_address(email: str) -> str:
    """The owner's address, its domain in lower case and as A-labels. Raises `ValidationFailed`."""
    if not email.strip():
        raise ValidationFailed([Violation("email", "is required")])
    try:
        # Without a DNS look-up, and `.test` is allowed, so that the platform can be tried out locally.
        checked = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        said = f"is not an email address: {str(error).rstrip('.')}"
        raise ValidationFailed([Violation("email", said)]) from None
    # In the form of recipients: the sandbox compares both (Z-25).
    return mailbox(checked.normalized).address


def login_address(email: str) -> str:
    """The address by which a user is found: as `owner_address`, in lower case. Raises `ValidationFailed`."""
    return owner_address(email.strip()).lower()


def password_violations(field: str, password: str, email: str = "") -> Sequence[Violation]:
    """The violations of a new password of the user with this address."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return [
            Violation(
                field,
                f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters; it has {len(password)}",
            )
        ]
    if email and password.lower() in (email, email.partition("@")[0]):
        return [Violation(field, "must not be the address")]
    if len(set(password)) < 4:
        return [Violation(field, "must have at least four different characters")]
    return []


def name_violations(field: str, name: str) -> Sequence[Violation]:
    """The violations of the name of a person or an organisation, which may be empty."""
    if len(name) > MAX_NAME:
        return [Violation(field, f"must have at most {MAX_NAME} characters; it has {len(name)}")]
    if not name.isprintable():
        return [Violation(field, "must be one line of printable characters")]
    return []


def pause_s(attempts: int) -> float:
    """The seconds after the last of this many wrong passwords in which no other is looked at."""
    if attempts < FREE_ATTEMPTS:
        return 0.0
    return float(min(_LONGEST_PAUSE_S, 2 ** min(attempts - FREE_ATTEMPTS, 30)))

"""Every way a call can fail for a reason its caller can act on: one exception per `ErrorReason`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path as the caller wrote it, and what is wrong with it."""

    field: str
    description: str


class Fault(Exception):
    """A failure that the caller can act on.

    `reason` is the name of an `ErrorReason` without its prefix, `code` the name of a gRPC status code,
    `metadata` what a dialect needs to print the error without reading its message.
    """

    reason: ClassVar[str]
    code: ClassVar[str]

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata
        self.violations: Sequence[Violation] = ()
        self.retry_after_s: float | None = None

    def of_item(self, index: int) -> "Fault":
        """This fault, marked as belonging to item `index` of a batch."""
        self.metadata["index"] = str(index)
        self.violations = [Violation(f"emails[{index}].{v.field}", v.description) for v in self.violations]
        return self


class Internal(Fault):
    """The server failed."""

    reason, code = "INTERNAL", "INTERNAL"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            "The server failed unexpectedly. Repeat the call later; if it fails again, give the operator "
            f"the request id {request_id}.",
            request_id=request_id,
        )


class Unavailable(Fault):
    """The server cannot take the call now."""

    reason, code = "UNAVAILABLE", "UNAVAILABLE"

    def __init__(self, retry_after_s: float, message: str | None = None) -> None:
        super().__init__(
            message or f"The server is busy. Repeat the call in {retry_after_s:g} seconds.",
            retry_after=f"{retry_after_s:g}",
        )
        self.retry_after_s = retry_after_s


class ValidationFailed(Fault):
    """One or more fields are wrong."""

    reason, code = "VALIDATION_FAILED", "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        super().__init__(
            "; ".join(f"{v.field}: {v.description}" for v in violations),
            field=first.field,
        )
        self.violations = violations


class DomainNotVerified(Fault):
    """The sender's domain is not verified for the organisation (contract row Z-12)."""

    reason, code = "DOMAIN_NOT_VERIFIED", "FAILED_PRECONDITION"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The domain {domain} is not verified for this organisation. Publish its DNS records, verify it, "
            "and send again.",
            domain=domain,
        )


class MessageTooLarge(Fault):
    """The message is larger than what is accepted."""

    reason, code = "MESSAGE_TOO_LARGE", "RESOURCE_EXHAUSTED"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The message is larger than {limit} bytes, the most that is accepted.", limit=str(limit)
        )


class _NotFound(Fault):
    code = "NOT_FOUND"
    noun: ClassVar[str]

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no {self.noun} with the id {id!r}.", id=id)


class SuppressionNotFound(_NotFound):
    """No such suppression in the caller's organisation."""

    reason, noun = "SUPPRESSION_NOT_FOUND", "suppression"


class EventNotFound(_NotFound):
    """No such event of the webhook."""

    reason, noun = "EVENT_NOT_FOUND", "event"


class EmailNotFound(_NotFound):
    """No such email in the caller's organisation."""

    reason, noun = "EMAIL_NOT_FOUND", "email"


class AttachmentNotFound(_NotFound):
    """No such attachment of this email."""

    reason, noun = "ATTACHMENT_NOT_FOUND", "attachment"


class DomainNotFound(_NotFound):
    """No such domain in the caller's organisation."""

    reason, noun = "DOMAIN_NOT_FOUND", "domain"


class ApiKeyNotFound(_NotFound):
    """No such API key in the caller's organisation."""

    reason, noun = "API_KEY_NOT_FOUND", "API key"


class WebhookNotFound(_NotFound):
    """No such webhook in the caller's organisation."""

    reason, noun = "WEBHOOK_NOT_FOUND", "webhook"


class DomainAlreadyExists(Fault):
    """The organisation has the domain already (contract row C-45)."""

    reason, code = "DOMAIN_ALREADY_EXISTS", "ALREADY_EXISTS"

    def __init__(self, domain: str) -> None:
        super().__init__(f"The domain {domain} was added already.", domain=domain)


class DomainOwnedElsewhere(Fault):
    """Another organisation has verified the domain (contract row C-45)."""

    reason, code = "DOMAIN_OWNED_ELSEWHERE", "ALREADY_EXISTS"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The domain {domain} is verified for another organisation, which must remove it first.",
            domain=domain,
        )


class IdempotencyKeyReused(Fault):
    """The idempotency key was used before with another payload (contract row F-1)."""

    reason, code = "IDEMPOTENCY_KEY_REUSED", "ABORTED"

    def __init__(self, key: str) -> None:
        super().__init__(
            "This idempotency key was used in the last 24 hours with another payload. Use a new key for a "
            "new email, or repeat the first payload unchanged.",
            idempotency_key=key,
        )


class InvalidIdempotencyKey(Fault):
    """The idempotency key is empty, too long, or not printable ASCII (contract row F-1)."""

    reason, code = "INVALID_IDEMPOTENCY_KEY", "INVALID_ARGUMENT"

    def __init__(self) -> None:
        super().__init__("An idempotency key has 1 to 256 characters of printable ASCII.")


class EmailNotScheduled(Fault):
    """The email is not scheduled any more, or never was (contract row C-25)."""

    reason, code = "EMAIL_NOT_SCHEDULED", "FAILED_PRECONDITION"

    def __init__(self, id: str, status: str) -> None:
        super().__init__(
            f"The email {id} is {status}: only one that waits for its time can be moved or canceled.",
            id=id,
            status=status,
        )


class AttachmentsTooLarge(Fault):
    """The attachments of an email are together larger than the plan allows (contract rows Z-21, C-1)."""

    reason, code = "ATTACHMENTS_TOO_LARGE", "RESOURCE_EXHAUSTED"

    def __init__(self, limit: int, plan: str) -> None:
        super().__init__(
            f"The attachments have together more than {limit} bytes, the most that the plan {plan} allows.",
            limit=str(limit),
            plan=plan,
        )


class AllRecipientsSuppressed(Fault):
    """Every recipient is suppressed; no quota was used (contract row Z-24)."""

    reason, code = "ALL_RECIPIENTS_SUPPRESSED", "FAILED_PRECONDITION"

    def __init__(self, count: int) -> None:
        super().__init__(
            "Every recipient is suppressed: it bounced, complained, unsubscribed or was suppressed by hand. "
            "Nothing was sent.",
            count=str(count),
        )


class SandboxRecipient(Fault):
    """The organisation is in the sandbox and may only send to its owner (contract row Z-25)."""

    reason, code = "SANDBOX_RECIPIENT", "PERMISSION_DENIED"

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"This organisation is in the sandbox and may only send to {owner}. Ask the operator for more.",
            owner=owner,
        )


class AccountPaused(Fault):
    """The organisation may not send now, but still read (contract rows S-19, C-42)."""

    reason, code = "ACCOUNT_PAUSED", "PERMISSION_DENIED"

    def __init__(self, state: str) -> None:
        super().__init__("Sending is paused for this organisation. Ask the operator why.", state=state)


class DomainNotAllowed(Fault):
    """The API key may not send from this domain (contract rows S-16, F-7)."""

    reason, code = "DOMAIN_NOT_ALLOWED", "PERMISSION_DENIED"

    def __init__(self, domain: str) -> None:
        super().__init__(f"This API key may not send from {domain}. Use another key.", domain=domain)


class LimitExceeded(Fault):
    """A limit of the organisation is reached; there is more at `resets_at_ms` (contract rows Z-43..Z-46)."""

    code = "RESOURCE_EXHAUSTED"
    what: ClassVar[str]

    def __init__(self, used: int, limit: int, requested: int, resets_at_ms: int, now_ms: int) -> None:
        resets_at = datetime.fromtimestamp(resets_at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        resets_at = resets_at.replace("+00:00", "Z")
        super().__init__(
            f"{self.what}: {used} of {limit} are used and {requested} more were asked for. "
            f"There is room again at {resets_at}.",
            used=str(used),
            limit=str(limit),
            requested=str(requested),
            resets_at=resets_at,
        )
        self.retry_after_s = max(0.0, (resets_at_ms - now_ms) / 1000)


class BurstLimitExceeded(LimitExceeded):
    """More emails a second than the plan allows."""

    reason, what = "BURST_LIMIT_EXCEEDED", "The limit of emails a second is reached"


class DailyQuotaExceeded(LimitExceeded):
    """The request does not fit into today's quota."""

    reason, what = "DAILY_QUOTA_EXCEEDED", "The daily quota is reached"


class MonthlyQuotaExceeded(LimitExceeded):
    """The request does not fit into this month's quota."""

    reason, what = "MONTHLY_QUOTA_EXCEEDED", "The monthly quota is reached"


class RecipientCapExceeded(LimitExceeded):
    """More different recipients this month than the plan allows (contract row C-2)."""

    reason, what = "RECIPIENT_CAP_EXCEEDED", "The number of different recipients a month is reached"


class WarmUpLimitExceeded(LimitExceeded):
    """A new account may not send as much yet (contract rows Z-46, C-47)."""

    reason, what = "WARM_UP_LIMIT_EXCEEDED", "The daily limit of a new account is reached"

"""Why an email is not accepted, found or changed."""

from server.faults import Fault, NotFound


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


class EmailNotFound(NotFound):
    """No such email in the caller's organisation."""

    reason, noun = "EMAIL_NOT_FOUND", "email"


class BatchJobNotFound(NotFound):
    """No such batch job in the caller's organisation."""

    reason, noun = "BATCH_JOB_NOT_FOUND", "batch job"


class AttachmentNotFound(NotFound):
    """No such attachment of this email."""

    reason, noun = "ATTACHMENT_NOT_FOUND", "attachment"


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


class DomainNotAllowed(Fault):
    """The API key may not send from this domain (contract rows S-16, F-7)."""

    reason, code = "DOMAIN_NOT_ALLOWED", "PERMISSION_DENIED"

    def __init__(self, domain: str) -> None:
        super().__init__(f"This API key may not send from {domain}. Use another key.", domain=domain)

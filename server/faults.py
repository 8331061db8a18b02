"""Faults: failures that a caller can act on, and those that several packages raise.

One exception for each `ErrorReason`; those of one package are in its `faults.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias


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


# The things of which a plan limits the number (contract row C-88): their names, and the advice to make room.
_LIMITED = {
    "webhooks": ("webhooks", "Delete one that is not needed"),
    "api_keys": ("API keys", "Delete one that is not needed"),
    "domains": ("domains", "Delete one that is not needed"),
    "scheduled_emails": ("scheduled emails that wait", "Cancel some, or wait until some have left"),
    "scheduled_bytes": ("bytes of scheduled emails that wait", "Cancel some, or wait until some have left"),
    "test_emails": ("test emails today", "Send more tomorrow (UTC)"),
}
Resource: TypeAlias = Literal[
    "webhooks", "api_keys", "domains", "scheduled_emails", "scheduled_bytes", "test_emails"
]


class LimitReached(Fault):
    """The organisation has as many of something as its plan allows (contract row C-88)."""

    reason, code = "LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"

    def __init__(self, resource: Resource, used: int, limit: int) -> None:
        name, advice = _LIMITED[resource]
        super().__init__(
            f"The organisation has {used} {name}, and its plan allows {limit}. {advice}, or ask the "
            "operator for a higher limit.",
            resource=resource,
            used=str(used),
            limit=str(limit),
        )


class NotFound(Fault):
    """Something that the caller's organisation does not have."""

    code = "NOT_FOUND"
    noun: ClassVar[str]

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no {self.noun} with the id {id!r}.", id=id)


class DomainNotFound(NotFound):
    """No such domain in the caller's organisation."""

    reason, noun = "DOMAIN_NOT_FOUND", "domain"

"""Faults: failures that a caller can act on, and those that several packages raise.

One exception for each `ErrorReason`; those of one package are in its `faults.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


class NotFound(Fault):
    """Something that the caller's organisation does not have."""

    code = "NOT_FOUND"
    noun: ClassVar[str]

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no {self.noun} with the id {id!r}.", id=id)


class DomainNotFound(NotFound):
    """No such domain in the caller's organisation."""

    reason, noun = "DOMAIN_NOT_FOUND", "domain"

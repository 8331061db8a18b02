"""The emails that one caller wants accepted together, and the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from server.db.tx import Tx
from server.emails.candidate import IdempotencyKey, Operation
from server.emails.draft import Draft
from server.emails.jobs import NewJob
from server.faults import Fault, ValidationFailed, Violation
from server.wire.status import status_of

Result = pb.SendEmailResponse | Fault
# A result for each item, or the whole answer: that of a job which was accepted, or the one that was given
# before under the same idempotency key.
Answer = Sequence[Result] | pb.BatchSendEmailsResponse | job_pb.CreateBatchJobResponse


@dataclass(slots=True)
class Batch:
    """The items of one call: each a draft that passed the checks of `draft`, or the fault it has."""

    org_id: str
    items: Sequence[Draft | Fault]
    strict: bool
    idempotency_key: str | None = None
    request_hash: bytes = b""
    # An item whose recipients are all suppressed is recorded, and no fault (C-51).
    records_suppressed: bool = False
    # The caller's key is for test mail.
    test: bool = False
    # The job of which these are the emails. Its batch is strict.
    job: NewJob | None = None
    # Writes in the transaction of the batch, with its answer; an exception rolls the batch back.
    within: Callable[[Tx, Answer | Fault], None] | None = None

    @property
    def key(self) -> IdempotencyKey | None:
        """The idempotency key of the whole batch, in its scope."""
        name = self.idempotency_key
        operation: Operation
        if self.job is None:
            operation = "t-batch" if self.test else "batch"
        else:
            operation = "t-job" if self.test else "job"
        return None if name is None else IdempotencyKey(self.org_id, operation, name)

    @property
    def is_refused(self) -> bool:
        """True if nothing of it can be accepted, whatever the store holds."""
        return self.strict and any(isinstance(item, Fault) for item in self.items)


def fault_of_strict(results: Sequence[Result]) -> Fault | None:
    """The fault of a strict batch: the first of its items' faults, with violations of all of them (C-51).

    None if all were accepted. A fault that all items share, such as a paused account, stands alone.
    """
    faults = [(index, result) for index, result in enumerate(results) if isinstance(result, Fault)]
    if not faults:
        return None
    index, first = faults[0]
    is_shared = len(faults) == len(results) and len({fault.message for _, fault in faults}) == 1
    if isinstance(first, ValidationFailed) or not (is_shared or len(faults) == 1):
        violations = [violation for index, fault in faults for violation in _violations(index, fault)]
        if isinstance(first, ValidationFailed):
            first = ValidationFailed(violations)
        first.violations = violations
    first.metadata["index"] = str(index)
    return first


def _violations(index: int, fault: Fault) -> Sequence[Violation]:
    """The violations of an item; its fault itself if that is about the whole item."""
    return fault.of_item(index).violations or [Violation(f"emails[{index}]", fault.message)]


def batch_response(results: Sequence[Result]) -> pb.BatchSendEmailsResponse:
    """The message of the results of a batch."""
    return pb.BatchSendEmailsResponse(
        results=[
            pb.BatchSendResult(error=status_of(result))
            if isinstance(result, Fault)
            else pb.BatchSendResult(sent=result)
            for result in results
        ]
    )

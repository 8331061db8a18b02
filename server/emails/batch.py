"""The emails that one caller wants accepted together, and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from zidimail.v1 import email_service_pb2 as pb

from server.emails.candidate import IdempotencyKey
from server.emails.draft import Draft
from server.faults import Fault
from server.wire.status import status_of

Result = pb.SendEmailResponse | Fault
# A result for each item, or the whole answer as it was given before under the same idempotency key.
Answer = Sequence[Result] | pb.BatchSendEmailsResponse


@dataclass(slots=True)
class Batch:
    """The items of one call: each a draft that passed the checks of `draft`, or the fault it has."""

    org_id: str
    items: Sequence[Draft | Fault]
    strict: bool
    idempotency_key: str | None = None
    request_hash: bytes = b""

    @property
    def key(self) -> IdempotencyKey | None:
        """The idempotency key of the whole batch, in its scope."""
        name = self.idempotency_key
        return None if name is None else IdempotencyKey(self.org_id, "batch", name)


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

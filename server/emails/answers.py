"""The answers to the batches of one transaction, and the drafts that it accepts."""

from collections.abc import Sequence, Set

from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from server.emails.admission import Admission, Admitted, Refusal
from server.emails.batch import Answer, Batch, Result, batch_response
from server.emails.candidate import Remembered
from server.emails.draft import Draft
from server.emails.faults import DomainNotAllowed
from server.emails.jobs import JobRow, NewJob, ended
from server.emails.to_proto import job_message
from server.faults import Fault
from server.wire.timestamps import timestamp


class Answers:
    """Answers batches one after the other, and collects the drafts and the jobs to store.

    Each job is collected with its organisation.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.accepted: list[Draft] = []
        self.jobs: list[tuple[str, JobRow]] = []

    def answer(self, batch: Batch) -> Answer | Fault:
        """The answer to a batch. A strict batch with any fault leaves no trace."""
        key = batch.key
        earlier = None if key is None else self._admission.earlier(key, batch.request_hash)
        if isinstance(earlier, Fault):
            return earlier
        if earlier is not None:
            return _foreign(batch) or self._repeated(batch, earlier)
        # One item alone that is refused leaves no trace anyway.
        is_divisible = batch.strict and len(batch.items) > 1
        savepoint = self._admission.savepoint(batch.org_id) if is_divisible else None
        accepted: list[Draft] = []
        results: list[Result] = [
            item if isinstance(item, Fault) else self._result(item, accepted, batch) for item in batch.items
        ]
        if batch.strict and any(isinstance(result, Fault) for result in results):
            if savepoint is not None:
                self._admission.roll_back(savepoint)
            return results
        self.accepted += accepted
        if batch.job is not None:
            return self._new_job(batch, batch.job, accepted)
        if key is not None:
            answer = batch_response(results)
            for result in answer.results:
                if result.HasField("sent"):
                    result.sent.ClearField("rate_limit")
            self._admission.remember(key, Remembered(batch.request_hash, answer.SerializeToString()))
        return results

    def _new_job(self, batch: Batch, new: NewJob, accepted: Sequence[Draft]) -> Answer:
        """Ends the job whose emails were all accepted; those that reach no recipient have failed (C-68)."""
        job = ended(new, [draft.is_wanted for draft in accepted], test=batch.test)
        self.jobs.append((batch.org_id, job))
        answer = job_pb.CreateBatchJobResponse(job=job_message(job))
        if (key := batch.key) is not None:
            self._admission.remember(key, Remembered(batch.request_hash, answer.SerializeToString()))
        self._add_rate_limit(answer, batch.org_id, test=batch.test)
        return answer

    def _result(self, item: Draft, accepted: list[Draft], batch: Batch) -> Result:
        decision = self._admission.decide(
            item,
            "accept_next" if batch.strict and any(draft.is_wanted for draft in accepted) else "accept",
            records_suppressed=batch.records_suppressed,
        )
        if isinstance(decision, Refusal):
            return decision.fault
        if isinstance(decision, Admitted):
            response = self._accept(item, decision)
            accepted.append(item)
        else:
            response = pb.SendEmailResponse.FromString(decision.response)
            response.replayed = True
        self._add_rate_limit(response, item.org_id, test=item.test)
        return response

    def _accept(self, item: Draft, admitted: Admitted) -> pb.SendEmailResponse:
        item.email |= {
            "domain_id": admitted.domain_id,
            "envelope_domain_id": admitted.envelope_domain_id,
        }
        item.suppress(admitted.skipped)
        response = pb.SendEmailResponse(
            id=item.email["id"], warning=_warning(admitted.skipped, is_wanted=item.is_wanted)
        )
        if item.scheduled_at is not None and item.is_wanted:
            response.scheduled_at.CopyFrom(timestamp(item.scheduled_at))
        if item.idempotency_key is not None:
            answer = Remembered(item.request_hash, response.SerializeToString())
            self._admission.remember(item.idempotency_key, answer)
        return response

    def _repeated(self, batch: Batch, earlier: Remembered) -> Answer:
        if batch.job is not None:
            answer = job_pb.CreateBatchJobResponse.FromString(earlier.response)
            answer.replayed = True
            self._add_rate_limit(answer, batch.org_id, test=batch.test)
            return answer
        response = pb.BatchSendEmailsResponse.FromString(earlier.response)
        response.replayed = True
        for result, item in zip(response.results, batch.items, strict=True):
            if result.HasField("sent") and isinstance(item, Draft):
                self._add_rate_limit(result.sent, item.org_id, test=item.test)
        return response

    def _add_rate_limit(
        self, response: pb.SendEmailResponse | job_pb.CreateBatchJobResponse, org_id: str, *, test: bool
    ) -> None:
        """Adds the state of the quotas (F-9). It is not remembered: a later call finds them changed."""
        nearest = None if test else self._admission.nearest_limit(org_id)
        if nearest is None:
            return
        limit, remaining, resets_at_ms = nearest
        response.rate_limit.CopyFrom(
            pb.RateLimit(limit=limit, remaining=remaining, resets_at=timestamp(resets_at_ms))
        )


def _foreign(batch: Batch) -> Fault | None:
    """The fault of repeating a batch of another key, with the send of a domain that is not the caller's."""
    for item in batch.items:
        if isinstance(item, Draft) and not item.is_of_key:
            return DomainNotAllowed(item.domain)
    return None


def _warning(skipped: Set[str], *, is_wanted: bool) -> str | None:
    """The warning about recipients that are skipped (Z-24, C-51); None if there are none."""
    if not skipped:
        return None
    addresses = ", ".join(sorted(skipped))
    if not is_wanted:
        return f"Nothing is sent, because every recipient is suppressed: {addresses}"
    noun = "recipient is" if len(skipped) == 1 else "recipients are"
    return f"{len(skipped)} {noun} suppressed and will be skipped: {addresses}"

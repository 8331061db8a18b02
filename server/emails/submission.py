"""Requests with many emails: each is checked, its links are fetched, and all are accepted at once."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from server.clock import Clock
from server.emails import rules
from server.emails.accept import Acceptor
from server.emails.attachments import Links
from server.emails.batch import Answer, Batch
from server.emails.draft import Draft
from server.emails.faults import InvalidIdempotencyKey
from server.emails.jobs import NewJob
from server.emails.judging import judged
from server.emails.request_hash import request_hash
from server.emails.sizes import is_large
from server.emails.staging import Staging
from server.faults import Fault, ValidationFailed, Violation
from server.wire.caller import OrganisationCaller
from server.work.long_work import LongWork
from server.work.slices import Slices

MAX_BATCH = 100

Request: TypeAlias = pb.BatchSendEmailsRequest | job_pb.CreateBatchJobRequest


class Submission:
    """Reads requests with many emails into batches, and has batches accepted."""

    def __init__(
        self, acceptor: Acceptor, links: Links, staging: Staging, long_work: LongWork, clock: Clock
    ) -> None:
        self._acceptor = acceptor
        self._links = links
        self._staging = staging
        self._long_work = long_work
        self._clock = clock
        self._slices = Slices()

    async def read(
        self,
        request: Request,
        caller: OrganisationCaller,
        *,
        strict: bool = True,
        records_suppressed: bool = True,
        job_id: str | None = None,
    ) -> Batch:
        """The batch of a request; with a `job_id` its emails are those of a new job.

        Raises `ValidationFailed` for too few or too many emails, and `InvalidIdempotencyKey`.
        """
        if not 1 <= len(request.emails) <= MAX_BATCH:
            raise ValidationFailed(
                [Violation("emails", f"must hold 1 to {MAX_BATCH} emails; it holds {len(request.emails)}")]
            )
        key = request.idempotency_key if request.HasField("idempotency_key") else None
        if key is not None and not rules.is_idempotency_key(key):
            raise InvalidIdempotencyKey
        now_ms = self._clock.now_ms()
        return Batch(
            caller.org_id,
            await self._judged(request.emails, caller, now_ms, job_id),
            strict=strict,
            records_suppressed=records_suppressed,
            test=caller.test,
            idempotency_key=key,
            request_hash=b"" if key is None else await asyncio.to_thread(request_hash, request),
            job=None if job_id is None else NewJob(job_id, now_ms),
        )

    async def _judged(
        self,
        emails: Sequence[pb.SendEmailRequest],
        caller: OrganisationCaller,
        now_ms: int,
        job_id: str | None,
    ) -> Sequence[Draft | Fault]:
        if any(map(is_large, emails)):
            # One of them would hold up everybody.
            return await self._long_work.run(
                caller.org_id, lambda: [judged(email, caller, now_ms, job_id=job_id) for email in emails]
            )
        return await self._slices.map(lambda email: judged(email, caller, now_ms, job_id=job_id), emails)

    async def accept(self, batch: Batch) -> Answer | Fault:
        """The answer to a batch, after a durable commit; see `Acceptor.accept`. Raises `Unavailable`."""
        if batch.is_refused or not any(isinstance(item, Draft) and item.links for item in batch.items):
            return await self._stored(batch)
        async with self._links.fetched(batch):
            return await self._stored(batch)

    async def _stored(self, batch: Batch) -> Answer | Fault:
        async with self._staging.staged(batch):
            return await self._acceptor.accept(batch)

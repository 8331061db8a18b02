"""EmailService: protobuf in, protobuf out."""

import json
from collections.abc import Sequence

from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import email_service_pb2_grpc

from server.account_health.to_proto import ACCOUNT_STATES
from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.emails import listing, rules, store
from server.emails.batch import Answer, Batch, Result, batch_response, fault_of_strict
from server.emails.draft import draft
from server.emails.envelope import Envelope
from server.emails.faults import EmailNotFound
from server.emails.raw_submission import RawSubmission, raw_response
from server.emails.schedule import cancel, move
from server.emails.sizes import is_large
from server.emails.submission import Submission
from server.emails.time_asked import asked_time
from server.emails.to_proto import (
    attachment_message,
    bounce_message,
    email_message,
    filter_of,
    job_type_of,
    recipient_message,
    stats_message,
)
from server.events.cursors import Cursors
from server.events.to_proto import event_message
from server.faults import Fault, ValidationFailed, Violation
from server.ids import is_id
from server.stats.store import DEFAULT_DAYS, MAX_DAYS, statistics
from server.wire.caller import current_caller, is_through_edge
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp
from server.work.long_work import LongWork
from server.work.notifier import Notifier

# The modes in which the right items of a batch are sent although others are wrong.
_DIVISIBLE = (pb.BATCH_MODE_PERMISSIVE, pb.BATCH_MODE_SEPARATE)


class EmailServicer(email_service_pb2_grpc.EmailServiceServicer):
    """Sending emails and reading them."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        submission: Submission,
        raw: RawSubmission,
        long_work: LongWork,
        clock: Clock,
        events_appended: Notifier,
        cursors: Cursors,
    ) -> None:
        self._database = database
        self._writer = writer
        self._submission = submission
        self._raw = raw
        self._long_work = long_work
        self._clock = clock
        self._events_appended = events_appended
        self._cursors = cursors

    async def SendEmail(self, request: pb.SendEmailRequest, context: Context) -> pb.SendEmailResponse:
        """Accepts one email: a list of one."""
        caller = current_caller()
        now_ms = self._clock.now_ms()
        if is_large(request):
            item = await self._long_work.run(caller.org_id, lambda: draft(request, caller, now_ms))
        else:
            item = draft(request, caller, now_ms)
        if isinstance(item, Fault):
            raise item
        answer = _or_raise(await self._submission.accept(Batch(caller.org_id, [item], strict=True)))
        result = answer[0]
        if isinstance(result, Fault):
            raise result
        return result

    async def BatchSendEmails(
        self, request: pb.BatchSendEmailsRequest, context: Context
    ) -> pb.BatchSendEmailsResponse:
        """Accepts up to 100 emails in one durable step."""
        batch = await self._submission.read(
            request,
            current_caller(),
            strict=request.mode not in _DIVISIBLE,
            records_suppressed=request.mode != pb.BATCH_MODE_SEPARATE,
        )
        answer = await self._submission.accept(batch)
        if isinstance(answer, pb.BatchSendEmailsResponse):
            return answer
        results = _or_raise(answer)
        if batch.strict and (fault := fault_of_strict(results)) is not None:
            raise fault
        return batch_response(results)

    async def SendRawEmail(
        self, request: pb.SendRawEmailRequest, context: Context
    ) -> pb.SendRawEmailResponse:
        """Accepts one finished message."""
        result = await self._raw.send(request, current_caller(), is_traced=is_through_edge())
        if isinstance(result, Fault):
            raise result
        return raw_response(result)

    async def BatchSendRawEmails(
        self, request: pb.BatchSendRawEmailsRequest, context: Context
    ) -> pb.BatchSendRawEmailsResponse:
        """Accepts up to 100 finished messages in one durable step."""
        results = await self._raw.send_all(request.emails, current_caller(), is_traced=is_through_edge())
        return pb.BatchSendRawEmailsResponse(results=batch_response(results).results)

    async def CheckEnvelope(
        self, request: pb.CheckEnvelopeRequest, context: Context
    ) -> pb.CheckEnvelopeResponse:
        """Checks the addresses of a message that is still to come."""
        envelope = Envelope(request, current_caller())
        return await self._database.read(envelope.checked, self._clock.now_ms())

    async def UpdateEmail(self, request: pb.UpdateEmailRequest, context: Context) -> pb.UpdateEmailResponse:
        """Moves a scheduled email to another time."""
        caller, email_id = current_caller(), request.id
        now_ms = self._clock.now_ms()
        at_ms = asked_time(request, now_ms)
        if at_ms is None:
            raise ValidationFailed([Violation("scheduled_at", "is required")])
        if isinstance(at_ms, Violation):
            raise ValidationFailed([at_ms])
        if violations := list(rules.scheduled_at(at_ms, now_ms)):
            raise ValidationFailed(violations)
        if not is_id(email_id):
            raise EmailNotFound(email_id)
        fault = await self._writer.run(move, caller, email_id, at_ms)
        if fault is not None:
            raise fault
        return pb.UpdateEmailResponse(id=email_id, scheduled_at=timestamp(at_ms))

    async def CancelEmail(self, request: pb.CancelEmailRequest, context: Context) -> pb.CancelEmailResponse:
        """Cancels a scheduled email."""
        caller, email_id, now_ms = current_caller(), request.id, self._clock.now_ms()
        if not is_id(email_id):
            raise EmailNotFound(email_id)
        job_type = job_type_of(request.job_type)
        fault = await self._writer.run(cancel, caller, email_id, now_ms, job_type)
        if fault is not None:
            raise fault
        self._events_appended.notify()
        return pb.CancelEmailResponse(id=email_id)

    async def GetEmail(self, request: pb.GetEmailRequest, context: Context) -> pb.GetEmailResponse:
        """One email with its recipients and events."""
        caller = current_caller()
        if not is_id(request.id):
            raise EmailNotFound(request.id)
        job_type = job_type_of(request.job_type)
        found = await self._database.read(store.details, caller.org_id, request.id, caller.reach, job_type)
        if found is None:
            raise EmailNotFound(request.id)
        email = email_message(found.email)
        if found.content is None:
            email.content_deleted = True
        else:
            email.headers.update(json.loads(found.content.headers))
            if found.content.html is not None and not request.without_bodies:
                email.html = found.content.html
            if found.content.text is not None and not request.without_bodies:
                email.text = found.content.text
        email.attachments.extend(map(attachment_message, found.attachments))
        email.recipients.extend(map(recipient_message, found.recipients))
        email.events.extend(event_message(row, self._cursors) for row in found.events)
        if (bounce := bounce_message(found.recipients)) is not None:
            email.bounce.CopyFrom(bounce)
        return pb.GetEmailResponse(email=email, account_state=ACCOUNT_STATES[found.account_state])

    async def ListEmails(self, request: pb.ListEmailsRequest, context: Context) -> pb.ListEmailsResponse:
        """A page of emails, newest first."""
        asked = page_request(request)
        caller = current_caller()
        criteria = filter_of(request, caller.reach)
        if criteria.has_text:
            page = await self._database.search(caller.org_id, listing.page, caller.org_id, criteria, asked)
        else:
            page = await self._database.read(listing.page, caller.org_id, criteria, asked)
        return pb.ListEmailsResponse(
            data=map(email_message, page.rows),
            **page_fields(page, asked),
        )

    async def GetEmailStats(
        self, request: pb.GetEmailStatsRequest, context: Context
    ) -> pb.GetEmailStatsResponse:
        """The statistics of the last days."""
        days = min(request.days or DEFAULT_DAYS, MAX_DAYS)
        if days < 0:
            raise ValidationFailed([Violation("days", "must be 1 or more")])
        caller, now_ms = current_caller(), self._clock.now_ms()
        found = await self._database.read(statistics, caller.org_id, days, now_ms, test=caller.test)
        return stats_message(days, found)


def _or_raise(answer: Answer | Fault) -> Sequence[Result]:
    if isinstance(answer, Fault):
        raise answer
    assert isinstance(answer, Sequence)
    return answer

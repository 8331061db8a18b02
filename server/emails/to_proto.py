"""Database rows to protobuf, and ListEmailsRequest to `Filter`."""

import json
from collections.abc import Iterable, Iterator
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp
from zidimail.v1 import batch_job_pb2, email_pb2
from zidimail.v1 import email_service_pb2 as pb

from server.db.reach import Reach
from server.domains.rules import host_name
from server.emails.criteria import Filter, JobType
from server.emails.jobs import JobRow
from server.emails.rules import MAX_TAG_LENGTH
from server.emails.store import AttachmentRow, EmailRow, RecipientRow
from server.events.to_proto import reply_message
from server.faults import ValidationFailed, Violation
from server.ids import is_id
from server.stats.store import Stats
from server.wire.timestamps import milliseconds, timestamp

MAX_SEARCH_LENGTH = 256
_PREFIX = "EMAIL_STATUS_"
_STATUSES = cast("dict[str, email_pb2.EmailStatus]", dict(email_pb2.EmailStatus.items()))
_STATUS_NAMES = {value: name.removeprefix(_PREFIX).lower() for name, value in _STATUSES.items() if value}
_KINDS = cast("dict[str, email_pb2.RecipientKind]", dict(email_pb2.RecipientKind.items()))
_JOB_PREFIX = "BATCH_JOB_STATUS_"
_JOB_STATUSES = cast("dict[str, batch_job_pb2.BatchJobStatus]", dict(batch_job_pb2.BatchJobStatus.items()))
JOB_STATUSES = {
    value: name.removeprefix(_JOB_PREFIX).lower() for name, value in _JOB_STATUSES.items() if value
}
_NO_JOB_TYPE = Violation("job_type", "must be one of direct, scheduled and batch")
_JOB_TYPES: dict[email_pb2.JobType, JobType] = {
    email_pb2.JOB_TYPE_DIRECT: "direct",
    email_pb2.JOB_TYPE_SCHEDULED: "scheduled",
    email_pb2.JOB_TYPE_BATCH: "batch",
}
_DAILY = ("sent", "delivered", "bounced", "complained")


def email_message(row: EmailRow) -> email_pb2.Email:
    """The message of an email, without its content."""
    email = email_pb2.Email(
        id=row.id,
        message_id=row.message_id,
        to=json.loads(row.to),
        cc=json.loads(row.cc),
        bcc=json.loads(row.bcc),
        reply_to=json.loads(row.reply_to),
        subject=row.subject,
        tags=[email_pb2.Tag(name=name, value=value) for name, value in json.loads(row.tags)],
        status=_STATUSES[_PREFIX + row.status.upper()],
        created_at=timestamp(row.created_at),
        test=row.test,
        attempts=row.attempts,
        job_type=email_pb2.JOB_TYPE_DIRECT,
    )
    setattr(email, "from", row.sender)
    if row.scheduled_at is not None:
        email.scheduled_at.CopyFrom(timestamp(row.scheduled_at))
        email.job_type = email_pb2.JOB_TYPE_SCHEDULED
    if row.job_id is not None:
        email.job_id = row.job_id
        email.job_type = email_pb2.JOB_TYPE_BATCH
    return email


def job_message(row: JobRow) -> batch_job_pb2.BatchJob:
    """The message of a batch job."""
    return batch_job_pb2.BatchJob(
        id=row.id,
        status=_JOB_STATUSES[_JOB_PREFIX + row.status.upper()],
        total_count=row.total_count,
        sent_count=row.sent_count,
        failed_count=row.failed_count,
        created_at=timestamp(row.created_at),
        completed_at=None if row.completed_at is None else timestamp(row.completed_at),
        test=row.test,
    )


def bounce_message(rows: Iterable[RecipientRow]) -> email_pb2.Bounce | None:
    """The refusal for good of the first recipient that was refused so; None if none was (C-59)."""
    for row in rows:
        if row.status == "bounced":
            return email_pb2.Bounce(type="Permanent", sub_type="General", message=row.reply_text or "")
    return None


def recipient_message(row: RecipientRow) -> email_pb2.Recipient:
    """The message of a recipient."""
    return email_pb2.Recipient(
        address=row.address,
        kind=_KINDS[f"RECIPIENT_KIND_{row.kind.upper()}"],
        status=_STATUSES[_PREFIX + row.status.upper()],
        attempts=row.attempts,
        last_reply=reply_message(row),
    )


def attachment_message(row: AttachmentRow) -> email_pb2.Attachment:
    """The message of an attachment.

    Its id is its email's id plus its number: unique among the attachments of the email, and in their order.
    """
    return email_pb2.Attachment(
        id=f"{int(row.email_id, 16) + row.no + 1:024x}",
        filename=row.filename,
        content_type=row.content_type,
        content_id=row.content_id,
        size=row.size,
    )


def stats_message(days: int, found: Stats) -> pb.GetEmailStatsResponse:
    """The message of the statistics of the last `days` days."""
    names = [field.name for field in pb.EmailTotals.DESCRIPTOR.fields]
    return pb.GetEmailStatsResponse(
        days=days,
        totals=pb.EmailTotals(**{name: found.totals[name] for name in names}),
        by_status=found.by_status,
        daily=[
            pb.DailyEmailStats(date=date, **{name: counts[name] for name in _DAILY})
            for date, counts in found.daily.items()
        ],
        rates=pb.EmailRates(
            delivery=found.rate("delivered", "sent"),
            bounce=found.rate("bounced", "sent"),
            complaint=found.rate("complained", "delivered"),
        ),
    )


def filter_of(request: pb.ListEmailsRequest, reach: Reach) -> Filter:
    """The criteria of a request, of a caller with this reach. Raises `ValidationFailed`."""
    violations = list(_violations(request))
    domain = None
    if request.HasField("domain"):
        try:
            domain = host_name(request.domain)
        except ValidationFailed as fault:
            violations += [Violation("domain", violation.description) for violation in fault.violations]
    if violations:
        raise ValidationFailed(violations)
    return Filter(
        search=request.search or None,
        to=request.to or None,
        sender=getattr(request, "from") or None,
        subject=request.subject or None,
        statuses=[_STATUS_NAMES[status] for status in request.status],
        tag=request.tag if request.HasField("tag") else None,
        domain=domain,
        since=milliseconds(request.since) if request.HasField("since") else None,
        until=milliseconds(request.until) if request.HasField("until") else None,
        job_type=job_type_of(request.job_type),
        job_id=request.job_id or None,
        reach=reach,
    )


def job_type_of(value: email_pb2.JobType) -> JobType | None:
    """The name of a type of job, None for any. Raises `ValidationFailed` for one that does not exist."""
    if value and value not in _JOB_TYPES:
        raise ValidationFailed([_NO_JOB_TYPE])
    return _JOB_TYPES.get(value)


def _violations(request: pb.ListEmailsRequest) -> Iterator[Violation]:
    texts = [(name, MAX_SEARCH_LENGTH) for name in ("search", "to", "from", "subject")]
    for field, most in [*texts, ("tag", 2 * MAX_TAG_LENGTH + 1)]:
        text: str = getattr(request, field)
        if len(text) > most or "\x00" in text:
            yield Violation(field, f"must have at most {most} characters, none of them NUL")
    if any(status not in _STATUS_NAMES for status in request.status):
        yield Violation("status", "holds something that is no status of an email")
    if request.job_type and request.job_type not in _JOB_TYPES:
        yield _NO_JOB_TYPE
    if request.job_id and not is_id(request.job_id):
        yield Violation("job_id", "is not the id of a batch job")
    for field in ("since", "until"):
        time: Timestamp = getattr(request, field)
        if request.HasField(field) and milliseconds(time) is None:
            yield Violation(field, "is no time")

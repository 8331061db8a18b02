"""The shapes of `/api/v1/zsend`: the differences between its JSON and the messages of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zidimail.v1 import email_pb2 as pb

from edge.dialects.aliases import (
    EMAIL_ALIASES,
    EMAIL_FORMS,
    FILE_ALIASES,
    apply_buffer,
    apply_headers,
)
from edge.dialects.zsend.limits import SUBJECT
from edge.transcoding.json_value import Json
from edge.transcoding.request_shape import QueryShape, RequestShape, or_else
from edge.transcoding.response_shape import PLAIN, ResponseShape, Source, always, computed, same_as
from edge.transcoding.schema import TEXT, Schema

_PENDING = (pb.EMAIL_STATUS_QUEUED, pb.EMAIL_STATUS_SCHEDULED, pb.EMAIL_STATUS_DELIVERY_DELAYED)
_BOUNCED = (pb.EMAIL_STATUS_BOUNCED, pb.EMAIL_STATUS_FAILED, pb.EMAIL_STATUS_SUPPRESSED)
_CANCELLED = (pb.EMAIL_STATUS_CANCELED,)
_WAITING = (pb.EMAIL_STATUS_SCHEDULED,)

STATUSES: Mapping[str, tuple[int, ...]] = {
    "pending": _PENDING,
    "sent": (pb.EMAIL_STATUS_SENT,),
    "delivered": (pb.EMAIL_STATUS_DELIVERED,),
    "bounced": _BOUNCED,
    "complained": (pb.EMAIL_STATUS_COMPLAINED,),
    "cancelled": _CANCELLED,
}
"""The states of the core by their names here (S-14, C-67)."""

SCHEDULED_STATUSES: Mapping[str, tuple[int, ...]] = {
    "enqueued": _WAITING,
    "scheduled": _WAITING,
    "sent": tuple(sorted({*pb.EmailStatus.values()} - {0, *_WAITING, *_CANCELLED})),
    "cancelled": _CANCELLED,
}
"""The same where scheduled emails are listed (S-8, C-18)."""

_PAGES = {"page_size": "limit"}
QUERIES = QueryShape(other_names=_PAGES, defaults={"limit": 20}, counts=("limit", "page"))
"""C-19, C-20."""
EMAILS_QUERY = replace(QUERIES, words={"status": STATUSES})
SCHEDULED_ALONE = QueryShape(fixed={"job_type": pb.JOB_TYPE_SCHEDULED})
"""For routes that know scheduled emails and no others: S-9, S-10."""
SCHEDULED_QUERY = replace(QUERIES, words={"status": SCHEDULED_STATUSES}, fixed=SCHEDULED_ALONE.fixed)
"""S-8."""

_EMAIL = RequestShape(
    aliases=EMAIL_ALIASES,
    forms=EMAIL_FORMS,
    finish=apply_headers,
    described={
        "subject": {"maxLength": SUBJECT},
        "headers": {"maxProperties": 50},
        "tags": {"maxItems": 50},
        "attachments": {"maxItems": 10},
    },
    undescribed=("idempotency_key",),
    # Times in words are not for this dialect (C-72).
    hidden=("scheduled_at_text",),
    example={
        "from": "Shop <hello@mail.example.com>",
        "to": ["ada@example.org"],
        "subject": "Your order",
        "html": "<p>It is on its way.</p>",
        "tags": {"kind": "shipping"},
    },
)
SCHEDULE_REQUEST = replace(_EMAIL, example={**_EMAIL.example, "scheduled_at": "2030-01-25T10:00:00Z"})
_IN_A_JOB = replace(_EMAIL, undescribed=("idempotency_key", "scheduled_at"))

REQUESTS: Mapping[str, RequestShape] = {
    "SendEmailRequest": _EMAIL,
    "NewAttachment": RequestShape(
        aliases=FILE_ALIASES,
        forms={"content": or_else(apply_buffer)},
    ),
    "CreateBatchJobRequest": RequestShape(
        array_of="emails",
        items={"emails": _IN_A_JOB},
        most={"emails": 100},
        described={"emails": {"minItems": 1, "maxItems": 100}},
        undescribed=("idempotency_key",),
        example={"emails": [_EMAIL.example, {**_EMAIL.example, "to": ["bob@example.org"]}]},
    ),
    "GetEmailRequest": RequestShape(hidden=("without_bodies", "job_type")),
    "CancelEmailRequest": RequestShape(hidden=("job_type",)),
}


def _named(field: str, statuses: Mapping[str, tuple[int, ...]]) -> Source:
    """The name of a state here; of several for one, the first."""
    names: dict[str, str] = {}
    for name, numbers in statuses.items():
        for number in numbers:
            own = pb.EmailStatus.Name(number).removeprefix("EMAIL_STATUS_").lower()
            names.setdefault(own, name)
    schema: Schema = {"type": "string", "enum": list(dict.fromkeys(names.values()))}
    return computed(field, lambda own: names.get(own, own), schema)


def _by_name(tags: Json) -> Json:
    return {tag["name"]: tag["value"] for tag in tags}


def _or_empty(field: str) -> Source:
    return computed(field, lambda value: value or "", TEXT)


def _true_or_absent(value: Json) -> Json:
    return value or None


_BY_NAME: Schema = {"type": "object", "additionalProperties": TEXT}
# Shown of test mail alone (C-58).
_TEST: Mapping[str, Source] = {"test": computed("test", _true_or_absent, {"const": True})}

_LISTED = ResponseShape(
    added={
        "status": _named("status", STATUSES),
        "tags": computed("tags", _by_name, _BY_NAME),
        **_TEST,
    },
    hidden=(
        *("html", "text", "headers", "message_id", "recipients", "events", "attachments", "bounce"),
        *("scheduled_at", "attempts", "cc", "bcc", "reply_to", "content_deleted"),
    ),
    optional=("job_id", "test"),
)
_LISTED_SCHEDULED = replace(
    _LISTED,
    added={**_LISTED.added, "status": _named("status", SCHEDULED_STATUSES)},
    hidden=(*(name for name in _LISTED.hidden if name not in ("scheduled_at", "attempts")),),
)
_WHOLE = ResponseShape(
    added={
        **_LISTED.added,
        # Without the angle brackets of the header.
        "message_id": computed("message_id", lambda value: value.strip("<>"), TEXT),
        "html": _or_empty("html"),
        "text": _or_empty("text"),
    },
    hidden=("recipients", "events", "bounce"),
    optional=("job_id", "test", "scheduled_at", "content_deleted"),
    items={"attachments": PLAIN},
)
_WHOLE_SCHEDULED = replace(_WHOLE, added={**_WHOLE.added, "status": _named("status", SCHEDULED_STATUSES)})
_WITH_ACCOUNT = ResponseShape(
    added={"mal_status": same_as("account_state")}, hidden=("account_state",), merged=("email",)
)
"""S-15, C-28."""

_PAGE = ("has_more", "page", "limit", "next_cursor")
_JOB = ResponseShape(
    added={"job_id": same_as("id"), **_TEST}, hidden=("id",), optional=("completed_at", "test")
)

LIST_SCHEDULED = ResponseShape(
    added={"scheduled_emails": same_as("data"), "total_count": same_as("total")},
    hidden=("data", "total", *_PAGE),
    items={"data": _LISTED_SCHEDULED},
)
"""S-8."""
GET_SCHEDULED = replace(_WITH_ACCOUNT, items={"email": _WHOLE_SCHEDULED})
"""C-27."""
SCHEDULED = ResponseShape(
    added={"status": always("enqueued")},
    hidden=("replayed", "rate_limit"),
    optional=("warning",),
)
"""S-7; the answer echoes the time (F-2)."""

RESPONSES: Mapping[str, ResponseShape] = {
    # Both forms that are documented (S-3, V-8). The Message-ID is read with the email (C-29).
    "SendEmailResponse": ResponseShape(
        added={
            "email_id": same_as("id"),
            "message_id": always(""),
            "status": computed(
                "scheduled_at",
                lambda at: "pending" if at is None else "enqueued",
                {"type": "string", "enum": ["pending", "enqueued"]},
            ),
            "message": always("The email was accepted and will be sent."),
        },
        hidden=("replayed", "rate_limit"),
        optional=("warning", "scheduled_at"),
    ),
    "GetEmailResponse": replace(_WITH_ACCOUNT, items={"email": _WHOLE}),
    "ListEmailsResponse": ResponseShape(hidden=_PAGE, items={"data": _LISTED}),
    # S-10.
    "CancelEmailResponse": ResponseShape(
        added={"success": always(True), "message": always("Scheduled email cancelled")}, hidden=("id",)
    ),
    # S-11: the first state of a job; what became of it is read with the job.
    "CreateBatchJobResponse": ResponseShape(
        hidden=("replayed", "rate_limit"),
        merged=("job",),
        items={
            "job": ResponseShape(
                added={"job_id": same_as("id"), "status": always("pending")},
                hidden=("id", "sent_count", "failed_count", "created_at", "completed_at", "test"),
            )
        },
    ),
    "BatchJob": _JOB,
    # C-19.
    "ListBatchJobsResponse": ResponseShape(
        added={"batch_jobs": same_as("data"), "total_count": same_as("total")},
        hidden=("data", "total", *_PAGE),
        items={"data": _JOB},
    ),
}

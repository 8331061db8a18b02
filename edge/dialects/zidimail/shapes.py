"""The shapes of `/v1`: the differences between its JSON and the messages of the contract.

ZidiMail's names come from the contract; most rows put Resend's beside them (section D).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import orjson

from edge.dialects.aliases import (
    EMAIL_ALIASES,
    EMAIL_FORMS,
    FILE_ALIASES,
    apply_buffer,
    apply_email,
    apply_single_email,
    apply_words,
)
from edge.dialects.sends import IDEMPOTENCY_KEY_LIMITS
from edge.dialects.zidimail import account_shapes, admin, contacts
from edge.dialects.zidimail.batch_results import REFUSED, accepted, accepted_schema, refused
from edge.dialects.zidimail.refusals import refuse_files, refuse_no_events
from edge.transcoding.request_shape import QueryShape, RequestShape, or_else, or_named
from edge.transcoding.response_shape import (
    PLAIN,
    ResponseShape,
    Source,
    always,
    computed,
    extended,
    object_with,
    same_as,
)
from edge.transcoding.schema import TEXT, Schema, nullable, object_of

EMAILS = "zidimail.v1.EmailService."
JOBS = "zidimail.v1.BatchJobService."

QUERIES = QueryShape(
    other_names={"page_size": "limit"}, defaults={"limit": 50}, counts=("limit", "page", "days")
)
"""C-19, C-20, Z-27."""

OTHER_PERMISSIONS = {"full_access": "full", "sending_access": "send_only", "all": "full"}
"""The names of Resend, and of V-5."""

REGION = "us-east-1"
"""An installation of this platform is one place, but some of Resend's clients know its regions only."""

_OCTETS: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}}
_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}
_BUFFER = object_of({"type": {"const": "Buffer"}, "data": {"anyOf": [_OCTETS, _BASE64]}})

_LABEL: Schema = {"maxLength": 100}
_BATCH_SIZE: Schema = {"minItems": 1, "maxItems": 100}


_IN_WORDS = or_else(
    lambda value: value,
    {
        **TEXT,
        "pattern": "^in [1-9][0-9]? (minutes|hours|days)$",
        "description": "In words: `in 5 minutes`, `tomorrow at 9am`, `Friday at 3pm ET`; UTC without a zone.",
    },
)

_NEW_EMAIL = RequestShape(
    aliases=EMAIL_ALIASES,
    forms={**EMAIL_FORMS, "scheduled_at": _IN_WORDS},
    finish=apply_email,
    described={
        "subject": {"maxLength": 998},
        "headers": {"maxProperties": 50},
        "tags": {"maxItems": 50},
        "attachments": {"maxItems": 10},
    },
    # REST has a header for the one, and one name for both kinds of times.
    undescribed=("idempotency_key", "scheduled_at_text"),
    example={
        "from": "Shop <hello@mail.example.com>",
        "to": "ada@example.org",
        "subject": "Your order",
        "html": "<p>It is on its way.</p>",
        "tags": [{"name": "kind", "value": "shipping"}],
    },
)

REQUESTS: Mapping[str, RequestShape] = {
    **account_shapes.REQUESTS,
    **admin.REQUESTS,
    "SendEmailRequest": replace(_NEW_EMAIL, finish=apply_single_email),
    # Its key has a header, and only programs of this installation say how a message came.
    "SendRawEmailRequest": RequestShape(hidden=("idempotency_key",)),
    "NewAttachment": RequestShape(
        aliases=FILE_ALIASES, forms={"content": or_else(apply_buffer, _OCTETS, _BUFFER)}
    ),
    "BatchSendEmailsRequest": RequestShape(
        array_of="emails",
        items={
            "emails": replace(
                _NEW_EMAIL,
                described={
                    **_NEW_EMAIL.described,
                    "attachments": {"maxItems": 0},
                    "idempotency_key": IDEMPOTENCY_KEY_LIMITS,
                },
                undescribed=("scheduled_at_text",),
            )
        },
        most={"emails": 100},
        finish=refuse_files,
        described={"emails": _BATCH_SIZE},
        undescribed=("idempotency_key",),
        example=[_NEW_EMAIL.example, {**_NEW_EMAIL.example, "to": ["bob@example.org"]}],
    ),
    "CreateBatchJobRequest": RequestShape(
        items={
            "emails": replace(
                _NEW_EMAIL, undescribed=("idempotency_key", "scheduled_at", "scheduled_at_text")
            )
        },
        described={"emails": _BATCH_SIZE},
        undescribed=("idempotency_key",),
        example={"emails": [_NEW_EMAIL.example, {**_NEW_EMAIL.example, "to": ["bob@example.org"]}]},
    ),
    "UpdateEmailRequest": RequestShape(
        aliases=EMAIL_ALIASES,
        forms={"scheduled_at": _IN_WORDS},
        finish=apply_words,
        undescribed=("scheduled_at_text",),
    ),
    "CreateDomainRequest": RequestShape(same_as={"name": "domain"}, example={"domain": "news.example.com"}),
    "CreateApiKeyRequest": RequestShape(
        forms={"permission": or_named(OTHER_PERMISSIONS)},
        described={"name": _LABEL},
        example={"name": "shop", "permission": "send_only"},
    ),
    "UpdateApiKeyRequest": RequestShape(described={"name": _LABEL}),
    "CreateWebhookRequest": RequestShape(
        same_as={"endpoint": "url"},
        example={
            "url": "https://shop.example.com/mail-events",
            "events": ["email.delivered", "email.bounced"],
        },
    ),
    "UpdateWebhookRequest": RequestShape(
        same_as={"endpoint": "url"},
        finish=refuse_no_events,
        described={"events": {"minItems": 1}},
        hidden=("update_mask",),
    ),
    "GetEmailRequest": RequestShape(hidden=("without_bodies", "job_type")),
    "CancelEmailRequest": RequestShape(hidden=("job_type",)),
    "CreateSuppressionRequest": RequestShape(example={"email": "gone@example.org"}),
    "BatchAddSuppressionsRequest": RequestShape(
        described={"emails": _BATCH_SIZE}, example={"emails": ["gone@example.org", "left@example.org"]}
    ),
    "BatchRemoveSuppressionsRequest": RequestShape(
        same_as={"ids": "emails"}, described={"emails": _BATCH_SIZE}
    ),
    **contacts.REQUESTS,
}


def _disposition(content_id: str) -> str:
    return "inline" if content_id else "attachment"


def _id_or_null(id: str) -> str | None:
    return id or None


BARE_LIST = ResponseShape("list")

LIST = replace(BARE_LIST, hidden=("next_cursor",))
"""The one form of all lists with pages (C-7): their cursors are the ids of their items (C-63)."""


def _list_of(item: ResponseShape) -> ResponseShape:
    return replace(LIST, items={"data": item})


_SENT_EMAIL = ResponseShape(
    "email",
    {"last_event": same_as("status")},
    items={"attachments": PLAIN, "events": ResponseShape(hidden=("account", "contact"))},
    optional=("bounce", "content_deleted"),
)
_DOMAIN = ResponseShape(
    "domain",
    {
        "name": same_as("domain"),
        "region": always(REGION),
        "capabilities": object_with({"sending": always("enabled"), "receiving": always("disabled")}),
        "records": same_as("dns_records"),
    },
)
_WEBHOOK_EVENT = ResponseShape(
    "webhook_event",
    {"payload": computed("payload", orjson.loads, {"type": "object"})},
)
_SUPPRESSION = ResponseShape(
    "suppression",
    {"source_id": computed("source_id", _id_or_null, nullable(TEXT))},
)
_COUNTED: Mapping[str, Source] = {"sent": same_as("used"), "received": always(0)}

RESPONSES: Mapping[str, ResponseShape] = {
    **account_shapes.RESPONSES,
    **admin.RESPONSES,
    # Beside the id a warning (Z-11) and the time of a scheduled email (F-2); the rest stands in headers.
    "SendEmailResponse": ResponseShape(
        hidden=("replayed", "rate_limit"), optional=("warning", "scheduled_at")
    ),
    "SendRawEmailResponse": ResponseShape(
        hidden=("replayed", "rate_limit"), optional=("warning", "scheduled_at")
    ),
    "BatchSendEmailsResponse": ResponseShape(
        hidden=("results", "replayed"),
        added={
            "data": computed("results", accepted, accepted_schema),
            "errors": computed("results", refused, REFUSED),
        },
        optional=("errors",),
    ),
    "Email": _SENT_EMAIL,
    "ListEmailsResponse": _list_of(
        replace(
            _SENT_EMAIL,
            hidden=(
                *("html", "text", "headers", "recipients", "events", "attachments", "bounce"),
                "content_deleted",
            ),
            optional=(),
        )
    ),
    "BatchJob": ResponseShape("batch_job"),
    "ListBatchJobsResponse": _list_of(ResponseShape("batch_job")),
    "UpdateEmailResponse": ResponseShape("email"),
    "CancelEmailResponse": ResponseShape("email"),
    "Bounce": ResponseShape(added={"subType": same_as("sub_type")}, hidden=("sub_type",)),
    "Attachment": ResponseShape(
        "attachment",
        {"content_disposition": computed("content_id", _disposition, {"enum": ["inline", "attachment"]})},
    ),
    "Domain": _DOMAIN,
    "ListDomainsResponse": _list_of(replace(_DOMAIN, hidden=("dns_records", "records", "failing_since"))),
    "VerifyDomainResponse": ResponseShape("domain", {"records": same_as("dns_records")}),
    "DeleteDomainResponse": ResponseShape("domain"),
    "DnsRecord": ResponseShape(optional=("priority", "problem", "note")),
    "ApiKey": ResponseShape("api_key"),
    "CreateApiKeyResponse": ResponseShape("api_key", {"token": same_as("key")}, reveals=("key",)),
    "DeleteApiKeyResponse": ResponseShape("api_key"),
    "Webhook": ResponseShape("webhook", {"endpoint": same_as("url")}),
    "CreateWebhookResponse": ResponseShape(
        "webhook",
        {"endpoint": same_as("url"), "signing_secret": same_as("secret")},
        reveals=("secret",),
    ),
    "RotateWebhookSecretResponse": ResponseShape(
        "webhook", {"signing_secret": same_as("secret")}, reveals=("secret",)
    ),
    "TestWebhookResponse": ResponseShape("webhook"),
    "ReplayWebhookEventsResponse": ResponseShape("webhook"),
    "DeleteWebhookResponse": ResponseShape("webhook"),
    "WebhookEvent": _WEBHOOK_EVENT,
    "ListWebhookEventsResponse": _list_of(replace(_WEBHOOK_EVENT, hidden=("payload",))),
    "WebhookAttempt": ResponseShape("webhook_attempt"),
    # Resend's clients read the event's id; the webhook's stands beside it.
    "ReplayWebhookEventResponse": ResponseShape(
        "webhook_event", {"id": same_as("event_id")}, hidden=("event_id",)
    ),
    "Event": ResponseShape("event", optional=("account", "contact")),
    "ListEventsResponse": BARE_LIST,
    "Suppression": _SUPPRESSION,
    "BatchAddSuppressionsResponse": BARE_LIST,
    "BatchRemoveSuppressionsResponse": replace(
        BARE_LIST,
        items={"data": replace(_SUPPRESSION, added={**_SUPPRESSION.added, "deleted": always(True)})},
    ),
    "DeleteSuppressionResponse": ResponseShape("suppression"),
    # Resend counts kinds of things, and received mail too; here only sent mail is counted.
    "GetUsageResponse": ResponseShape(
        "usage",
        {"emails": object_with({name: extended(name, _COUNTED) for name in ("daily", "monthly")})},
    ),
    **contacts.RESPONSES,
}

"""What the shapes of `/v1` do to the schemas of its messages: the twin of `shapes`, for the description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.dialects.zidimail.shapes import (
    ABSENT_IN_LISTS,
    API_KEYS,
    ATTACHMENTS,
    CAPABILITIES,
    DOMAINS,
    EMAILS,
    EVENTS,
    REGION,
    RESEND_PERMISSIONS,
    SUPPRESSIONS,
    USAGE,
    WEBHOOKS,
)
from edge.transcoding.openapi import Schema, nullable

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}

_BATCH_SIZE = {"minItems": 1, "maxItems": 100}
_LABEL = {"maxLength": 100}
IDEMPOTENCY_KEY = {"minLength": 1, "maxLength": 256, "pattern": "^[ -~]+$"}

Change = Callable[[Schema], Schema]


def same(schema: Schema) -> Schema:
    return schema


def _bounded(**bounds: Schema) -> Change:
    """Adds to properties what the descriptors cannot say of them."""

    def change(schema: Schema) -> Schema:
        for name, bound in bounds.items():
            schema["properties"][name] |= bound
        return schema

    return change


def _email_request(schema: Schema) -> Schema:
    properties = _bounded(
        subject={"maxLength": 998},
        headers={"maxProperties": 50},
        tags={"maxItems": 50},
        attachments={"maxItems": 10},
    )(schema)["properties"]
    # REST has a header for it.
    properties.pop("idempotency_key", None)
    for name in ("to", "cc", "bcc", "reply_to"):
        many = properties[name]
        one = {**TEXT, "minLength": 1} if name == "to" else TEXT
        properties[name] = {"anyOf": [one, many], "description": many.pop("description", "")}
    tags = properties["tags"]
    by_name = {"type": "object", "additionalProperties": nullable(TEXT)}
    properties["tags"] = {"anyOf": [tags, by_name], "description": tags.pop("description", "")}
    own = properties["headers"]
    none = {"type": "array", "maxItems": 0}
    properties["headers"] = {"anyOf": [own, none], "description": own.pop("description", "")}
    file = properties["attachments"]["items"]["properties"]
    octets = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}}
    buffer = {
        "type": "object",
        "properties": {"type": {"const": "Buffer"}, "data": octets},
        "required": ["type", "data"],
    }
    file["content"] = {
        "anyOf": [file["content"], octets, buffer],
        "description": file["content"].pop("description", ""),
    }
    return schema


def _batch_request(schema: Schema) -> Schema:
    emails = schema["properties"]["emails"]
    emails |= _BATCH_SIZE
    key = emails["items"]["properties"]["idempotency_key"] | IDEMPOTENCY_KEY
    _email_request(emails["items"])["properties"]["idempotency_key"] = key
    # C-3: here, nothing may be sent along.
    emails["items"]["properties"]["attachments"] = {"type": "array", "maxItems": 0}
    del schema["properties"]["idempotency_key"]
    bare = {key: value for key, value in emails.items() if key != "description"}
    return {"anyOf": [bare, schema], "required": schema["required"]}


def _either(own: str, resend: str) -> Change:
    """One value under either name; under both, its own name counts."""

    def change(schema: Schema) -> Schema:
        properties, required = schema["properties"], schema["required"]
        value = properties[own]
        properties[own] = nullable(value)
        properties[resend] = {"description": f"The same as `{own}`, if that is not given."}
        needed = [own] if own in required else []
        schema["anyOf"] = [
            {"required": [own], "properties": {own: value}},
            {"required": [resend] if needed else [], "properties": {resend: value, own: {"type": "null"}}},
        ]
        schema["required"] = [name for name in required if name != own]
        return schema

    return change


def _api_key_request(schema: Schema) -> Schema:
    schema["properties"]["permission"]["enum"] += RESEND_PERMISSIONS
    return _bounded(name=_LABEL)(schema)


def _webhook_request(schema: Schema) -> Schema:
    return _either("url", "endpoint")(_bounded(events={"minItems": 1})(schema))


def _suppressions_request(schema: Schema) -> Schema:
    schema["properties"]["emails"] |= _BATCH_SIZE
    return schema


def _lifted_request(schema: Schema) -> Schema:
    return _either("emails", "ids")(_suppressions_request(schema))


REQUESTS: Mapping[str, Change] = {
    EMAILS + "SendEmail": _email_request,
    EMAILS + "BatchSendEmails": _batch_request,
    DOMAINS + "CreateDomain": _either("domain", "name"),
    API_KEYS + "CreateApiKey": _api_key_request,
    WEBHOOKS + "CreateWebhook": _webhook_request,
    WEBHOOKS + "UpdateWebhook": _webhook_request,
    API_KEYS + "UpdateApiKey": _bounded(name=_LABEL),
    SUPPRESSIONS + "BatchAddSuppressions": _suppressions_request,
    SUPPRESSIONS + "BatchRemoveSuppressions": _lifted_request,
}


_EMAIL_EXAMPLE = {
    "from": "Shop <hello@mail.example.com>",
    "to": "ada@example.org",
    "subject": "Your order",
    "html": "<p>It is on its way.</p>",
    "tags": [{"name": "kind", "value": "shipping"}],
}

EXAMPLES: Mapping[str, Any] = {
    EMAILS + "SendEmail": _EMAIL_EXAMPLE,
    EMAILS + "BatchSendEmails": [_EMAIL_EXAMPLE, {**_EMAIL_EXAMPLE, "to": ["bob@example.org"]}],
    DOMAINS + "CreateDomain": {"domain": "news.example.com"},
    API_KEYS + "CreateApiKey": {"name": "shop", "permission": "send_only"},
    WEBHOOKS + "CreateWebhook": {
        "url": "https://shop.example.com/mail-events",
        "events": ["email.delivered", "email.bounced"],
    },
    SUPPRESSIONS + "CreateSuppression": {"email": "gone@example.org"},
    SUPPRESSIONS + "BatchAddSuppressions": {"emails": ["gone@example.org", "left@example.org"]},
}
"""A body of each method that takes more than a line to write."""


def _with(schema: Schema, **properties: Schema) -> Schema:
    """The schema of the same object with further properties."""
    required = [*schema["required"], *(name for name in properties if name not in schema["required"])]
    return {**schema, "properties": {**schema["properties"], **properties}, "required": required}


def _without(schema: Schema, names: Sequence[str]) -> Schema:
    properties = {name: value for name, value in schema["properties"].items() if name not in names}
    required = [name for name in schema["required"] if name not in names]
    return {**schema, "properties": properties, "required": required}


def _of_kind(kind: str) -> Change:
    return lambda schema: _with(schema, object={"const": kind})


def _sent(schema: Schema) -> Schema:
    properties = schema["properties"]
    shown = {"id": properties["id"], "warning": TEXT, "scheduled_at": TIME}
    return {**schema, "properties": shown, "required": ["id"]}


def _batch(schema: Schema) -> Schema:
    errors = {"type": "object", "properties": {"index": {"type": "integer"}, "message": TEXT}}
    shown = {"id": TEXT, "warning": TEXT, "scheduled_at": TIME}
    accepted = {"type": "object", "properties": shown, "required": ["id"]}
    properties = {
        "data": {"type": "array", "items": accepted},
        "errors": {"type": "array", "items": {**errors, "required": ["index", "message"]}},
    }
    return {**schema, "properties": properties, "required": ["data"]}


def _email(schema: Schema) -> Schema:
    return _with(_of_kind("email")(schema), last_event=schema["properties"]["status"])


def _listed_email(schema: Schema) -> Schema:
    return _without(_email(schema), ABSENT_IN_LISTS)


def _attached(schema: Schema) -> Schema:
    return _with(_of_kind("attachment")(schema), content_disposition={"enum": ["inline", "attachment"]})


def _records(schema: Schema) -> Schema:
    records = schema["properties"]["dns_records"]
    priority: Schema = {"type": "integer"}
    items = _with(_without(records["items"], ["priority"]))
    items["properties"]["priority"] = priority
    return {**records, "items": items}


def _domain(schema: Schema) -> Schema:
    records = _records(schema)
    capabilities = {name: {"const": value} for name, value in CAPABILITIES.items()}
    names = {
        "name": schema["properties"]["domain"],
        "region": {"const": REGION},
        "capabilities": {"type": "object", "properties": capabilities, "required": list(capabilities)},
    }
    return _with(_of_kind("domain")(schema), dns_records=records, records=records, **names)


def _listed_domain(schema: Schema) -> Schema:
    return _without(_domain(schema), ["dns_records", "records"])


def _verification(schema: Schema) -> Schema:
    records = _records(schema)
    return _with(_of_kind("domain")(schema), dns_records=records, records=records)


def _created_api_key(schema: Schema) -> Schema:
    return _with(_of_kind("api_key")(schema), token=schema["properties"]["key"])


def _webhook(schema: Schema) -> Schema:
    return _with(_of_kind("webhook")(schema), endpoint=schema["properties"]["url"])


def _created_webhook(schema: Schema) -> Schema:
    return _with(_webhook(schema), signing_secret=schema["properties"]["secret"])


def _listed_webhook_event(schema: Schema) -> Schema:
    return _without(_of_kind("webhook_event")(schema), ["payload"])


def _webhook_event(schema: Schema) -> Schema:
    return _with(_of_kind("webhook_event")(schema), payload={"type": "object"})


def _replayed(schema: Schema) -> Schema:
    shown = _with(_of_kind("webhook_event")(schema), webhook_id=schema["properties"]["id"])
    shown["properties"]["id"] = schema["properties"]["event_id"]
    return _without(shown, ["event_id"])


def _rotated(schema: Schema) -> Schema:
    return _with(_of_kind("webhook")(schema), signing_secret=schema["properties"]["secret"])


def _suppression(schema: Schema) -> Schema:
    return _with(_of_kind("suppression")(schema), source_id={"type": ["string", "null"]})


def _lifted_suppression(schema: Schema) -> Schema:
    return _with(_suppression(schema), deleted={"const": True})


def _usage(schema: Schema) -> Schema:
    counted = {
        name: _with(schema["properties"][name], sent={"type": "integer"}, received={"const": 0})
        for name in ("daily", "monthly")
    }
    emails = {"type": "object", "properties": counted, "required": list(counted)}
    return _with(_of_kind("usage")(schema), emails=emails)


def _list_of(item: Change) -> Change:
    def change(schema: Schema) -> Schema:
        data = schema["properties"]["data"]
        return _with(_of_kind("list")(schema), data={**data, "items": item(data["items"])})

    return change


RESPONSES: Mapping[str, Change] = {
    EMAILS + "SendEmail": _sent,
    EMAILS + "BatchSendEmails": _batch,
    EMAILS + "GetEmail": _email,
    EMAILS + "ListEmails": _list_of(_listed_email),
    EMAILS + "UpdateEmail": _of_kind("email"),
    EMAILS + "CancelEmail": _of_kind("email"),
    EMAILS + "GetEmailStats": same,
    ATTACHMENTS + "ListAttachments": _list_of(_attached),
    ATTACHMENTS + "GetAttachment": _attached,
    DOMAINS + "CreateDomain": _domain,
    DOMAINS + "GetDomain": _domain,
    DOMAINS + "ListDomains": _list_of(_listed_domain),
    DOMAINS + "UpdateDomain": _domain,
    DOMAINS + "RotateDomainKeys": _domain,
    DOMAINS + "VerifyDomain": _verification,
    DOMAINS + "DeleteDomain": _of_kind("domain"),
    API_KEYS + "CreateApiKey": _created_api_key,
    API_KEYS + "ListApiKeys": _list_of(_of_kind("api_key")),
    API_KEYS + "UpdateApiKey": _of_kind("api_key"),
    API_KEYS + "DeleteApiKey": _of_kind("api_key"),
    WEBHOOKS + "CreateWebhook": _created_webhook,
    WEBHOOKS + "ListWebhooks": _list_of(_webhook),
    WEBHOOKS + "GetWebhook": _webhook,
    WEBHOOKS + "UpdateWebhook": _webhook,
    WEBHOOKS + "RotateWebhookSecret": _rotated,
    WEBHOOKS + "TestWebhook": _of_kind("webhook"),
    WEBHOOKS + "ListWebhookEvents": _list_of(_listed_webhook_event),
    WEBHOOKS + "GetWebhookEvent": _webhook_event,
    WEBHOOKS + "ListWebhookAttempts": _list_of(_of_kind("webhook_attempt")),
    WEBHOOKS + "ReplayWebhookEvent": _replayed,
    WEBHOOKS + "ReplayWebhookEvents": _of_kind("webhook"),
    WEBHOOKS + "DeleteWebhook": _of_kind("webhook"),
    EVENTS + "ListEvents": _list_of(_of_kind("event")),
    SUPPRESSIONS + "CreateSuppression": _suppression,
    SUPPRESSIONS + "GetSuppression": _suppression,
    SUPPRESSIONS + "ListSuppressions": _list_of(_suppression),
    SUPPRESSIONS + "DeleteSuppression": _of_kind("suppression"),
    SUPPRESSIONS + "BatchAddSuppressions": _list_of(_suppression),
    SUPPRESSIONS + "BatchRemoveSuppressions": _list_of(_lifted_suppression),
    USAGE + "GetUsage": _usage,
}

"""The shapes of `/v1` that the descriptors cannot say: what callers may write, what they get to see.

Two tables, keyed by method. A request shape brings a JSON body into the form of the request message; it
takes whatever JSON there is and leaves what is wrong for the binder to refuse. A response shape puts
Resend's names beside ZidiMail's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson

from edge.dialects.zidimail.spellings import (
    drop_repeated_reply_to,
    mailboxes,
    respell_email,
    respell_file,
)
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import VIOLATIONS_SHOWN

Json: TypeAlias = Any
Shape: TypeAlias = Callable[[Json], Json]

EMAILS = "zidimail.v1.EmailService."
ATTACHMENTS = "zidimail.v1.AttachmentService."
DOMAINS = "zidimail.v1.DomainService."
API_KEYS = "zidimail.v1.ApiKeyService."
WEBHOOKS = "zidimail.v1.WebhookService."
EVENTS = "zidimail.v1.EventService."
SUPPRESSIONS = "zidimail.v1.SuppressionService."
USAGE = "zidimail.v1.UsageService."

REGION = "us-east-1"
"""An installation of this platform is one place, but some of Resend's clients know its regions only."""

CAPABILITIES = {"sending": "enabled", "receiving": "disabled"}
"""What Resend's clients ask of a domain: that it sends, and whether it receives."""

_NO_FILES = "is not possible in a batch, and nothing was sent: send emails with attachments one by one"

RESEND_PERMISSIONS = {"full_access": "full", "sending_access": "send_only"}


def _email_request(body: Json) -> Json:
    """One address may stand without its list, tags may be an object (C-17); a key may hide among headers."""
    if type(body) is not dict:
        return body
    respell_email(body)
    for name in ("to", "cc", "bcc", "reply_to"):
        value = body.get(name)
        if type(value) is str:
            body[name] = mailboxes(value)
    tags = body.get("tags")
    if type(tags) is dict:
        body["tags"] = [{"name": name, "value": value} for name, value in tags.items()]
    if type(body.get("attachments")) is list:
        body["attachments"] = [_attachment(file) for file in body["attachments"]]
    if (headers := body.get("headers")) == []:
        body["headers"] = {}  # as PHP writes an empty object
    elif type(headers) is dict:
        _take_idempotency_key(body, headers)
        drop_repeated_reply_to(body)
    return body


def _email_change_request(body: Json) -> Json:
    if type(body) is dict:
        respell_email(body)
    return body


def _take_idempotency_key(body: dict[str, Json], headers: dict[str, Json]) -> None:
    """The key among the email's own headers, where programs put it that know only these (F-1)."""
    names = [name for name in headers if name.lower() == "idempotency-key"]
    for name in names:
        key = headers.pop(name)
        if key != "" and body.get("idempotency_key") is None:
            body["idempotency_key"] = key


def _attachment(file: Json) -> Json:
    """A file as Node prints a Buffer."""
    if type(file) is not dict:
        return file
    respell_file(file)
    content = file.get("content")
    if type(content) is dict and content.get("type") == "Buffer" and type(content.get("data")) is list:
        file["content"] = content["data"]
    return file


def without_files(body: Json) -> Json:
    """The body of an email without the content of its attachments (C-1)."""
    if type(body) is not dict or type(body.get("attachments")) is not list:
        return body
    bare = [
        {name: value for name, value in file.items() if name != "content"} if type(file) is dict else file
        for file in body["attachments"]
    ]
    return {**body, "attachments": bare}


def _batch_request(body: Json) -> Json:
    """A bare array is the list of emails (C-4). Raises Failure if any has attachments (C-3)."""
    if type(body) is list:
        body = {"emails": body}
    if type(body) is dict and type(body.get("emails")) is list:
        emails = body["emails"]
        carrying = [at for at, email in enumerate(emails) if type(email) is dict and email.get("attachments")]
        if carrying:
            raise invalid(
                [Violation(f"emails[{at}].attachments", _NO_FILES) for at in carrying[:VIOLATIONS_SHOWN]]
            )
        body["emails"] = [_email_request(email) for email in emails]
    return body


def _domain_request(body: Json) -> Json:
    return _renamed(body, "name", "domain")


def _webhook_request(body: Json) -> Json:
    return _renamed(body, "endpoint", "url")


def _webhook_change_request(body: Json) -> Json:
    """No events at all is no change; an empty list would leave the events as they are, and say nothing.
    Raises Failure for it."""
    if type(body) is dict and body.get("events") == []:
        raise invalid([Violation("events", "must name at least one event type")])
    return _webhook_request(body)


def _api_key_request(body: Json) -> Json:
    if type(body) is dict and type(body.get("permission")) is str:
        body["permission"] = RESEND_PERMISSIONS.get(body["permission"], body["permission"])
    return body


def _suppressions_request(body: Json) -> Json:
    """What is to be lifted may be named by ids instead."""
    return _renamed(body, "ids", "emails")


def _renamed(body: Json, resend: str, own: str) -> Json:
    if type(body) is dict and body.get(own) is None and resend in body:
        body[own] = body[resend]
    return body


REQUEST_SHAPES: Mapping[str, Shape] = {
    EMAILS + "SendEmail": _email_request,
    EMAILS + "BatchSendEmails": _batch_request,
    EMAILS + "UpdateEmail": _email_change_request,
    DOMAINS + "CreateDomain": _domain_request,
    API_KEYS + "CreateApiKey": _api_key_request,
    WEBHOOKS + "CreateWebhook": _webhook_request,
    WEBHOOKS + "UpdateWebhook": _webhook_change_request,
    SUPPRESSIONS + "BatchRemoveSuppressions": _suppressions_request,
}


def _sent(response: Json) -> Json:
    """The id, and beside it what there is to say: a warning (Z-11), the time of a scheduled email (F-2)."""
    answer = {"id": response["id"]}
    for name in ("warning", "scheduled_at"):
        if response[name] is not None:
            answer[name] = response[name]
    return answer


def _batch(response: Json) -> Json:
    """The accepted emails in order, and beside them what was wrong with the others (C-4)."""
    results = response["results"]
    answer = {"data": [_sent(result["sent"]) for result in results if result["sent"] is not None]}
    errors = [
        {"index": index, "message": result["error"]}
        for index, result in enumerate(results)
        if result["error"] is not None
    ]
    return {**answer, "errors": errors} if errors else answer


ABSENT_IN_LISTS = ("html", "text", "headers", "recipients", "events", "attachments")


def _email(email: Json) -> Json:
    return {"object": "email", **email, "last_event": email["status"]}


def _listed_email(email: Json) -> Json:
    shown = _email(email)
    for name in ABSENT_IN_LISTS:
        del shown[name]
    return shown


def _attached(file: Json) -> Json:
    """Resend's clients also read how a file is shown."""
    shown = "inline" if file["content_id"] else "attachment"
    return {"object": "attachment", **file, "content_disposition": shown}


def _record(record: Json) -> Json:
    if record["priority"] is None:
        del record["priority"]
    return record


def _domain(domain: Json) -> Json:
    records = [_record(record) for record in domain["dns_records"]]
    names = {"name": domain["domain"], "region": REGION, "capabilities": CAPABILITIES, "records": records}
    return {"object": "domain", **domain, "dns_records": records, **names}


def _listed_domain(domain: Json) -> Json:
    shown = _domain(domain)
    del shown["dns_records"], shown["records"]
    return shown


def _verification(response: Json) -> Json:
    records = [_record(record) for record in response["dns_records"]]
    return {"object": "domain", **response, "dns_records": records, "records": records}


def _created_api_key(key: Json) -> Json:
    return {"object": "api_key", **key, "token": key["key"]}


def _created_webhook(webhook: Json) -> Json:
    return {**_webhook(webhook), "signing_secret": webhook["secret"]}


def _webhook(webhook: Json) -> Json:
    return {"object": "webhook", **webhook, "endpoint": webhook["url"]}


def _rotated(response: Json) -> Json:
    return {"object": "webhook", **response, "signing_secret": response["secret"]}


def _listed_webhook_event(event: Json) -> Json:
    shown = {"object": "webhook_event", **event}
    del shown["payload"]
    return shown


def _webhook_event(event: Json) -> Json:
    """The body of its calls as the JSON that it is."""
    return {"object": "webhook_event", **event, "payload": orjson.loads(event["payload"])}


def _replayed(response: Json) -> Json:
    """Resend's clients read the event's id; the webhook's stands beside it."""
    return {"object": "webhook_event", "id": response["event_id"], "webhook_id": response["id"]}


def _as_it_is(response: Json) -> Json:
    return response


def _suppression(suppression: Json) -> Json:
    """One that was added by hand has no source."""
    source_id = suppression["source_id"] or None
    return {"object": "suppression", **suppression, "source_id": source_id}


def _lifted_suppression(suppression: Json) -> Json:
    return {**_suppression(suppression), "deleted": True}


def _usage(usage: Json) -> Json:
    """Resend counts by kind of thing, and received mail too; mail is what is counted here."""
    counted = ("daily", "monthly")
    emails = {name: {**usage[name], "sent": usage[name]["used"], "received": 0} for name in counted}
    return {"object": "usage", **usage, "emails": emails}


def _of_kind(kind: str) -> Shape:
    return lambda response: {"object": kind, **response}


def _list_of(item: Shape) -> Shape:
    """The one form of every list (C-7)."""
    return lambda page: {"object": "list", **page, "data": [item(entry) for entry in page["data"]]}


RESPONSE_SHAPES: Mapping[str, Shape] = {
    EMAILS + "SendEmail": _sent,
    EMAILS + "BatchSendEmails": _batch,
    EMAILS + "GetEmail": _email,
    EMAILS + "ListEmails": _list_of(_listed_email),
    EMAILS + "UpdateEmail": _of_kind("email"),
    EMAILS + "CancelEmail": _of_kind("email"),
    EMAILS + "GetEmailStats": _as_it_is,
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

"""The errors of `/v1`: one table from the reason to the answer (Z-7, Z-8, section D).

Each body holds both families of names: ZidiMail's `error`, `message`, `action` and Resend's `name`,
`message`, `statusCode`; a `message` can stand alone, since clients of Resend show nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.dialects.failures import error_answer, resets_at
from edge.dialects.zidimail import account_errors, admin, billing_errors
from edge.dialects.zidimail.error_row import Row
from edge.transcoding.asgi import Answer
from edge.transcoding.failure_texts import check_rows, text_values
from edge.transcoding.json_value import Json
from edge.transcoding.status import BODY_ENCODING, HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT, Failure

_GET_A_KEY = (
    "Send an API key as `Authorization: Bearer zm_live_...`, or where only people may call, the token of "
    "your session in its place."
)
_TRY_AGAIN = "Repeat the request after the seconds in Retry-After."
_NOT_KNOWN = "Whether the request took effect is not known: an Idempotency-Key makes it safe to repeat."

ROWS: Mapping[str, Row] = {
    **account_errors.ROWS,
    **billing_errors.ROWS,
    **admin.ROWS,
    "INTERNAL": Row(
        500,
        "application_error",
        "The request failed for a reason on our side.",
        "Nothing in the request explains it. The operator finds it in the logs as {request_id}.",
    ),
    "UNAVAILABLE": Row(503, "application_error", "The service cannot take this request now.", _TRY_AGAIN),
    "OUTCOME_UNKNOWN": Row(503, "application_error", "The connection was lost meanwhile.", _NOT_KNOWN),
    "DEADLINE_EXCEEDED": Row(504, "application_error", "The answer was not ready in time.", _NOT_KNOWN),
    REQUEST_TIMEOUT: Row(
        408, "validation_error", "The request did not arrive in time.", "Send all of it without pausing."
    ),
    HEAD_TOO_LARGE: Row(
        400,
        "validation_error",
        "The headers are too large.",
        "A request line and its headers have 64 KiB together, and so have the trailers of a body.",
    ),
    MALFORMED_REQUEST: Row(
        400, "validation_error", "The request cannot be read.", "It is not valid HTTP/1.1: {problem}."
    ),
    "MISSING_CREDENTIALS": Row(401, "missing_api_key", "The request carries no credential.", _GET_A_KEY),
    "INVALID_CREDENTIALS": Row(
        401,
        "invalid_api_key",
        "The credential is not valid.",
        "The API key or session token is malformed, unknown, expired or revoked, or two came together: the "
        "cookie of a session counts too.",
    ),
    "WRONG_CREDENTIAL_KIND": Row(
        401,
        "restricted_api_key",
        "This route wants another kind of credential.",
        "This route is only open to {needed}.",
    ),
    "MISSING_PERMISSION": Row(
        401,
        "restricted_api_key",
        "The credential may not do this.",
        "Its permission, or your role in the organisation, is {permission}; this route needs {needed}.",
    ),
    "VALIDATION_FAILED": Row(
        422, "validation_error", "The request is not valid: {violation}.", "{violation}"
    ),
    "DOMAIN_NOT_VERIFIED": Row(
        422,
        "validation_error",
        'Domain "{domain}" is not verified.',
        "The SPF and DKIM records of {domain} must be found in DNS before mail is sent from it.",
        "Add the domain, publish its DNS records, then call POST /v1/domains/{{id}}/verify.",
    ),
    "MESSAGE_TOO_LARGE": Row(
        413, "validation_error", "The message is too large.", "At most {limit} bytes are accepted."
    ),
    "EMAIL_NOT_FOUND": Row(404, "not_found", "Email not found.", "There is no email with the id {id}."),
    "BATCH_JOB_NOT_FOUND": Row(
        404, "not_found", "Batch job not found.", "There is no batch job with the id {id}."
    ),
    "CONTACT_NOT_FOUND": Row(404, "not_found", "Contact not found.", "There is no contact {id}."),
    "CONTACT_LIST_NOT_FOUND": Row(
        404, "not_found", "Contact list not found.", "There is no contact list with the id {id}."
    ),
    "CONTACT_LIST_SEND_NOT_FOUND": Row(
        404, "not_found", "Send to a list not found.", "There is no send to a list with the id {id}."
    ),
    "CONTACT_LIMIT_REACHED": Row(
        422,
        "validation_error",
        "The plan allows no more contacts.",
        "The organisation has {used} contacts of {limit}.",
        "Delete contacts, or change to a larger plan.",
    ),
    "CONTACT_LIST_LIMIT_REACHED": Row(
        422,
        "validation_error",
        "The plan allows no more contact lists.",
        "The organisation has {used} lists of {limit}.",
        "Delete a list, or change to a larger plan.",
    ),
    "CONTACT_IMPORT_TOO_LARGE": Row(
        422,
        "validation_error",
        "The import has too many rows.",
        "It has {rows} rows, and the plan allows {limit} in one import.",
        "Divide the import, or change to a larger plan.",
    ),
    "ATTACHMENT_NOT_FOUND": Row(
        404, "not_found", "Attachment not found.", "This email has no attachment with the id {id}."
    ),
    "DOMAIN_NOT_FOUND": Row(404, "not_found", "Domain not found.", "There is no domain with the id {id}."),
    "API_KEY_NOT_FOUND": Row(404, "not_found", "API key not found.", "There is no API key with the id {id}."),
    "WEBHOOK_NOT_FOUND": Row(404, "not_found", "Webhook not found.", "There is no webhook with the id {id}."),
    "DOMAIN_ALREADY_EXISTS": Row(
        409,
        "validation_error",
        'Domain "{domain}" was added already.',
        "The organisation has {domain} already; GET /v1/domains shows it.",
    ),
    "WEBHOOK_ALREADY_EXISTS": Row(
        409,
        "validation_error",
        "The webhook exists already.",
        "The webhook {id} has the same URL and the same events. Change that one, or choose others.",
    ),
    "LIMIT_EXCEEDED": Row(
        422,
        "validation_error",
        "The plan allows no more {resource}.",
        "The organisation has {used} {resource}, and its plan allows {limit}.",
        "{advice}, or ask the operator for a higher limit.",
    ),
    "DOMAIN_OWNED_ELSEWHERE": Row(
        409,
        "validation_error",
        'Domain "{domain}" belongs to another organisation.',
        "Another organisation has verified {domain}. Use a subdomain, or have it removed there first.",
    ),
    "IDEMPOTENCY_KEY_REUSED": Row(
        409,
        "invalid_idempotent_request",
        "The idempotency key was used for another request.",
        "For 24 hours an idempotency key stands for the request that it first came with. Use a new key.",
    ),
    "INVALID_IDEMPOTENCY_KEY": Row(
        400,
        "invalid_idempotency_key",
        "The idempotency key is not valid.",
        "An Idempotency-Key has 1 to 256 characters of printable ASCII.",
    ),
    "SUPPRESSION_NOT_FOUND": Row(
        404, "not_found", "Suppression not found.", "There is no suppression of {id}."
    ),
    "EVENT_NOT_FOUND": Row(
        404, "not_found", "Event not found.", "This webhook has no event with the id {id}."
    ),
    "EMAIL_NOT_SCHEDULED": Row(
        409,
        "validation_error",
        "The email is not scheduled.",
        "The email {id} is {status}; only one that waits for its time can be moved or canceled.",
    ),
    "ATTACHMENTS_TOO_LARGE": Row(
        413,
        "validation_error",
        "The attachments are too large.",
        "Together they may have {limit} bytes on the plan {plan}.",
    ),
    "ALL_RECIPIENTS_SUPPRESSED": Row(
        422,
        "validation_error",
        "All recipients are suppressed.",
        "Each of them bounced, complained, unsubscribed or was suppressed by hand. Nothing was sent and no "
        "quota used.",
        "Remove an address from the suppressions if its owner wants mail again.",
    ),
    "SANDBOX_RECIPIENT": Row(
        403,
        "validation_error",
        "The organisation is in the sandbox.",
        "In the sandbox mail can only be sent to the owner's address, {owner}.",
        "Ask the operator to activate the organisation for production.",
    ),
    "ACCOUNT_PAUSED": Row(
        403,
        "validation_error",
        "Sending is paused.",
        "The organisation may read but not send. {why}",
        "GET /v1/account/health shows the rates and the history of the account. {appeal}",
    ),
    "ACCOUNT_BANNED": Row(401, "invalid_api_key", "The organisation is banned.", "{why}", "{appeal}"),
    "DOMAIN_NOT_ALLOWED": Row(
        403,
        "restricted_api_key",
        "The API key may not send from {domain}.",
        "The key is restricted to other domains. Use another key.",
    ),
    "ADDRESS_NOT_ALLOWED": Row(
        403,
        "restricted_api_key",
        "The API key may not be used from {address}.",
        "The key is restricted to other networks. Call from one of them, or use another key.",
    ),
    "BURST_LIMIT_EXCEEDED": Row(
        429,
        "rate_limit_exceeded",
        "Too many emails a second.",
        "The limit is {limit} a second. Send again at {resets_at}.",
    ),
    "DAILY_QUOTA_EXCEEDED": Row(
        429,
        "daily_quota_exceeded",
        "The daily quota is used up.",
        "{used} of {limit} recipients are used today, and {requested} more do not fit until {resets_at}.",
    ),
    "MONTHLY_QUOTA_EXCEEDED": Row(
        429,
        "monthly_quota_exceeded",
        "The monthly quota is used up.",
        "{used} of {limit} recipients are used this month; {requested} more do not fit until {resets_at}.",
    ),
    "RECIPIENT_CAP_EXCEEDED": Row(
        429,
        "rate_limit_exceeded",
        "The number of different recipients is reached.",
        "{used} of {limit} different recipients were written to this month, and {requested} new ones do not "
        "fit until {resets_at}.",
    ),
    "WARM_UP_LIMIT_EXCEEDED": Row(
        429,
        "rate_limit_exceeded",
        "A new account may not send as much yet.",
        "{used} of {limit} recipients are used today, and {requested} more do not fit until {resets_at}.",
    ),
    "TOO_MANY_REQUESTS": Row(429, "rate_limit_exceeded", "Too many requests from your address.", _TRY_AGAIN),
    "TOO_MANY_STREAMS": Row(
        429, "rate_limit_exceeded", "Too many streams are open.", "At most {limit} may be open at once."
    ),
    "MALFORMED_BODY": Row(
        400, "validation_error", "The body cannot be read.", "It must be a JSON object: {detail}."
    ),
    "BODY_TOO_LARGE": Row(
        413, "validation_error", "The body is too large.", "At most {limit} bytes are accepted."
    ),
    "ROUTE_NOT_FOUND": Row(404, "not_found", "There is no such route.", "Nothing answers at {path}."),
    "METHOD_NOT_ALLOWED": Row(
        405, "method_not_allowed", "The route has no such method.", "Instead of {method} use: {allow}."
    ),
    BODY_ENCODING: Row(
        415,
        "validation_error",
        "The body is in an encoding that is not read.",
        "Send JSON in UTF-8, plain or with Content-Encoding: gzip, instead of {encoding}.",
    ),
    "UNSUPPORTED_MEDIA_TYPE": Row(
        415,
        "validation_error",
        "The body has the wrong media type.",
        "Send {wanted} instead of {content_type}.",
    ),
}

check_rows(ROWS)


def failure_body(failure: Failure, request_id: str = "") -> dict[str, Json]:
    """The JSON body of a failure; a reason that a newer server gives is shown as INTERNAL."""
    row = ROWS.get(failure.reason, ROWS["INTERNAL"])
    values = text_values(failure, request_id)
    message = row.message.format_map(values)
    if "index" in values and failure.reason != "VALIDATION_FAILED":
        message = f"Email {values['index']} of the batch: {message}"
    body: dict[str, Json] = {"error": row.error.format_map(values), "message": message}
    if row.action is not None:
        body["action"] = row.action.format_map(values)
    body |= {"name": row.name, "statusCode": row.status}
    if (time := resets_at(failure, row.status)) is not None:
        body["resetsAt"] = time
    if failure.violations:
        body["errors"] = [violation._asdict() for violation in failure.violations]
    return body


def failure_answer(failure: Failure, request_id: str) -> Answer:
    """The whole answer of a failure."""
    body = failure_body(failure, request_id)
    return error_answer(body["statusCode"], body, failure)

"""The errors of `/api/v1/zsend`: one table from the reason to the answer (S-2, C-6, C-66)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edge.dialects.failures import error_answer, resets_at
from edge.transcoding.asgi import Answer
from edge.transcoding.failure_texts import check_rows, text_values
from edge.transcoding.json_value import Json
from edge.transcoding.status import BODY_ENCODING, HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT, Failure


class Row(NamedTuple):
    """One reason's status and its texts, with the metadata's keys."""

    status: int
    error: str
    message: str


def _invalid(message: str) -> Row:
    return Row(400, "validation error", message)


def _unknown(message: str) -> Row:
    return Row(404, "not found", message)


def _denied(message: str) -> Row:
    return Row(403, "permission denied", message)


def _over(period: str) -> Row:
    # S-18: programs read these numbers out of the text.
    return Row(
        429,
        period + " quota exceeded ({used}/{limit}), resets at {reset}",
        "{requested} recipients do not fit into the quota. Send again when it is full, or send to fewer.",
    )


_UNAUTHORIZED = Row(401, "unauthorized", "Invalid or missing API key")
_FOREIGN_DOMAIN = "API key does not have permission to send from this domain"

ROWS: Mapping[str, Row] = {
    "INTERNAL": Row(
        500,
        "internal error",
        "The request failed for a reason on our side; the logs have it as {request_id}.",
    ),
    "UNAVAILABLE": Row(503, "unavailable", "Repeat the request after the seconds in Retry-After."),
    "OUTCOME_UNKNOWN": Row(
        503,
        "unavailable",
        "The connection was lost, and the request may have taken effect: an Idempotency-Key makes it safe to "
        "repeat.",
    ),
    "DEADLINE_EXCEEDED": Row(
        500,
        "internal error",
        "The answer was not ready in time. The request may have taken effect: an Idempotency-Key makes it "
        "safe to repeat.",
    ),
    REQUEST_TIMEOUT: _invalid("The request did not arrive in time: send all of it without pausing."),
    HEAD_TOO_LARGE: _invalid("A request line and its headers have 64 KiB together."),
    MALFORMED_REQUEST: _invalid("The request is not valid HTTP/1.1: {problem}."),
    "MISSING_CREDENTIALS": _UNAUTHORIZED,
    "INVALID_CREDENTIALS": _UNAUTHORIZED,
    "WRONG_CREDENTIAL_KIND": _denied("This route is only open to {needed}."),
    "MISSING_PERMISSION": _denied("The API key has the permission {permission}; this route needs {needed}."),
    "ADDRESS_NOT_ALLOWED": _denied(
        "API key cannot be used from {address}: it is restricted to other networks."
    ),
    "INVALID_LOGIN": Row(401, "unauthorized", "The address or the password is wrong."),
    "SECOND_FACTOR_REQUIRED": Row(401, "unauthorized", "The account asks for a code beside the password."),
    "INVALID_CODE": Row(401, "unauthorized", "The code is wrong or was used before."),
    "SECOND_FACTOR_ACTIVE": _invalid("The account has a second factor already."),
    "SECOND_FACTOR_NOT_BEGUN": _invalid("There is no second factor to activate: begin to add one first."),
    "SECOND_FACTOR_NOT_ACTIVE": _invalid("The account has no second factor."),
    "ORGANISATION_NOT_FOUND": _unknown("No organisation has the id {id}."),
    "PLAN_NOT_FOUND": _unknown("There is no plan {id}; there are {known}."),
    "NO_SECOND_FACTOR": _invalid("The user {id} has no second factor."),
    "OPERATOR_SECOND_FACTOR_REQUIRED": _denied("The session was opened without the second factor."),
    "IMPERSONATION_NOT_ALLOWED": _denied("Only the user itself may make this call."),
    "ACCOUNT_STATE_CHANGED": _invalid("The state of the account {id} has just changed: decide again."),
    "NOT_A_MEMBER": _denied("You are not a member of the organisation, or of any."),
    "ALREADY_A_MEMBER": _invalid("{email} is a member of the organisation already."),
    "LAST_OWNER": _invalid("The organisation would be left without an owner."),
    "TOO_MANY_ERASURES": Row(
        429, "rate limit exceeded", "The organisation has {limit} erasures in progress."
    ),
    "TOO_MANY_INVITATIONS": Row(
        429, "rate limit exceeded", "The organisation has invited {limit} people in a day."
    ),
    "REGISTRATION_CLOSED": _denied("Registration is closed: ask for an invitation."),
    "LINK_NOT_VALID": _invalid("The link is incomplete, was used before or has expired."),
    "TOO_MANY_ATTEMPTS": Row(
        429, "rate limit exceeded", "Too many wrong passwords: try again after the seconds in Retry-After."
    ),
    "FOREIGN_ORIGIN": _denied("The request comes from a page of another site, {origin}."),
    "VALIDATION_FAILED": _invalid("{violations}"),
    # C-23.
    "DOMAIN_NOT_VERIFIED": _denied(_FOREIGN_DOMAIN + ": {domain} is not verified"),
    "DOMAIN_NOT_ALLOWED": _denied(_FOREIGN_DOMAIN),
    "SANDBOX_RECIPIENT": _denied(
        "In the sandbox mail can only be sent to the owner's address, {owner}. Ask the operator to "
        "activate it."
    ),
    "ACCOUNT_PAUSED": _denied("Sending is paused: the account may read but not send. {why} {appeal}"),
    "ACCOUNT_BANNED": Row(401, "unauthorized", "The account is banned. {why} {appeal}"),
    "ALL_RECIPIENTS_SUPPRESSED": Row(
        400,
        "all recipients are suppressed",
        "Each of them bounced, complained, unsubscribed or was suppressed by hand. Nothing was sent and no "
        "quota used.",
    ),
    "ATTACHMENTS_TOO_LARGE": _invalid(
        "The attachments are too large: together they may have {limit} bytes on the plan {plan}."
    ),
    "MESSAGE_TOO_LARGE": _invalid("The message is too large: at most {limit} bytes are accepted."),
    "BODY_TOO_LARGE": _invalid("The body is too large: at most {limit} bytes are accepted."),
    "MALFORMED_BODY": _invalid("The body must be a JSON object: {detail}."),
    BODY_ENCODING: _invalid("Send JSON in UTF-8, plain or with Content-Encoding: gzip, not {encoding}."),
    "UNSUPPORTED_MEDIA_TYPE": _invalid("Send {wanted} instead of {content_type}."),
    "INVALID_IDEMPOTENCY_KEY": _invalid("An Idempotency-Key has 1 to 256 characters of printable ASCII."),
    "IDEMPOTENCY_KEY_REUSED": _invalid(
        "The idempotency key was used for another request within 24 hours. Use a new key."
    ),
    "EMAIL_NOT_SCHEDULED": _invalid(
        "The email {id} is {state}: only one that waits for its time can be changed."
    ),
    "DOMAIN_ALREADY_EXISTS": _invalid("The organisation has the domain {domain} already."),
    "WEBHOOK_ALREADY_EXISTS": _invalid(
        "The webhook {id} has the same URL and the same events. Change that one, or choose others."
    ),
    "LIMIT_EXCEEDED": _invalid(
        "The organisation has {used} {resource}, and its plan allows {limit}. {advice}, or ask the operator "
        "for a higher limit."
    ),
    "DOMAIN_OWNED_ELSEWHERE": _invalid("Another organisation has verified the domain {domain}."),
    "EMAIL_NOT_FOUND": _unknown("There is no such email with the id {id}."),
    "BATCH_JOB_NOT_FOUND": _unknown("There is no batch job with the id {id}."),
    "CONTACT_NOT_FOUND": _unknown("There is no contact {id}."),
    "CONTACT_LIST_NOT_FOUND": _unknown("There is no contact list with the id {id}."),
    "CONTACT_LIST_SEND_NOT_FOUND": _unknown("There is no send to a list with the id {id}."),
    "CONTACT_LIMIT_REACHED": _invalid("The plan allows {limit} contacts, and there are {used}."),
    "CONTACT_LIST_LIMIT_REACHED": _invalid("The plan allows {limit} contact lists, and there are {used}."),
    "CONTACT_IMPORT_TOO_LARGE": _invalid("The import has {rows} rows; the plan allows {limit} in one."),
    "BILLING_NOT_CONFIGURED": _unknown("This installation has no billing: its operator sets {settings}."),
    "SUBSCRIPTION_EXISTS": _invalid("The organisation has the subscription {id} already."),
    "SUBSCRIPTION_NOT_FOUND": _unknown("The organisation has no subscription."),
    "SUBSCRIPTION_NOT_ACTIVE": _invalid("The subscription {id} is {status}."),
    "PAYMENT_PROVIDER_UNAVAILABLE": Row(503, "unavailable", "PayPal does not work now: {problem}."),
    "PAYMENT_PROVIDER_REFUSED": Row(503, "unavailable", "PayPal refuses the request: {problem}."),
    "PAYMENT_EVENT_NOT_VALID": _invalid("This is no valid event of PayPal: {problem}."),
    "OIDC_NOT_CONFIGURED": _unknown(
        "This installation has no OpenID Connect provider: its operator sets {settings}."
    ),
    "OIDC_LOGIN_NOT_VALID": _invalid("The login at the provider is not valid. Begin again."),
    "OIDC_LOGIN_REFUSED": _invalid("The login at the provider failed: {problem}."),
    "OIDC_PROVIDER_UNAVAILABLE": Row(503, "unavailable", "The provider does not work now: {problem}."),
    "OIDC_ADDRESS_NOT_VERIFIED": _invalid("The provider does not say that your address is verified."),
    "IDENTITY_DEACTIVATED": _invalid("The logins by this account at the provider were ended."),
    "IDENTITY_NOT_FOUND": _unknown("You have no account at a provider with the id {id}."),
    "ATTACHMENT_NOT_FOUND": _unknown("This email has no attachment with the id {id}."),
    "DOMAIN_NOT_FOUND": _unknown("There is no domain with the id {id}."),
    "API_KEY_NOT_FOUND": _unknown("There is no API key with the id {id}."),
    "WEBHOOK_NOT_FOUND": _unknown("There is no webhook with the id {id}."),
    "SUPPRESSION_NOT_FOUND": _unknown("There is no suppression of {id}."),
    "EVENT_NOT_FOUND": _unknown("This webhook has no event with the id {id}."),
    "MEMBER_NOT_FOUND": _unknown("There is no member with the id {id}."),
    "ERASURE_NOT_FOUND": _unknown("There is no erasure with the id {id}."),
    "EXPORT_NOT_FOUND": _unknown("There is no export with the id {id}."),
    "EXPORT_NOT_READY": _invalid("The export {id} is still being made."),
    "INVITATION_NOT_FOUND": _unknown("There is no invitation with the id {id} that waits."),
    "ROUTE_NOT_FOUND": _unknown("Nothing answers at {path}."),
    # C-66: 405 is none of the documented statuses.
    "METHOD_NOT_ALLOWED": _unknown("Nothing answers to {method} here. Instead use: {allow}."),
    "BURST_LIMIT_EXCEEDED": Row(
        429, "rate limit exceeded", "The limit is {limit} emails a second. Send again in a second."
    ),
    "DAILY_QUOTA_EXCEEDED": _over("daily"),
    "WARM_UP_LIMIT_EXCEEDED": _over("daily"),
    "MONTHLY_QUOTA_EXCEEDED": _over("monthly"),
    "RECIPIENT_CAP_EXCEEDED": _over("unique recipients"),
    "TOO_MANY_REQUESTS": Row(
        429,
        "rate limit exceeded",
        "Too many requests from your address: repeat it after the seconds in Retry-After.",
    ),
    "TOO_MANY_STREAMS": Row(429, "rate limit exceeded", "At most {limit} streams may be open at once."),
}

check_rows(ROWS)

_PERMISSIONS = {"full": "all"}
_STATES = {"canceled": "cancelled"}


def failure_body(failure: Failure, request_id: str = "") -> dict[str, Json]:
    """The JSON body of a failure; a reason that a newer server gives is shown as INTERNAL."""
    row = ROWS.get(failure.reason, ROWS["INTERNAL"])
    values = text_values(failure, request_id)
    violations = "; ".join(": ".join(filter(None, violation)) for violation in failure.violations)
    values["violations"] = violations or "?"
    values["reset"] = values["resets_at"][:19].replace("T", " ")
    # The names of V-5.
    for name in ("permission", "needed"):
        parts = values[name].split(",")
        values[name] = ",".join(_PERMISSIONS.get(part.strip(), part) for part in parts)
    values["state"] = _STATES.get(values["status"], values["status"])
    message = row.message.format_map(values)
    if "index" in values and failure.reason != "VALIDATION_FAILED":
        message = f"emails[{values['index']}]: {message}"
    body: dict[str, Json] = {"error": row.error.format_map(values), "message": message}
    if (time := resets_at(failure, row.status)) is not None:
        body["resetsAt"] = time
    return body


def failure_answer(failure: Failure, request_id: str) -> Answer:
    """The whole answer of a failure."""
    row = ROWS.get(failure.reason, ROWS["INTERNAL"])
    return error_answer(row.status, failure_body(failure, request_id), failure)

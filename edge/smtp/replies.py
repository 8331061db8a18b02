"""The replies of the relay: their form on the wire, and one table from a failure's reason to its reply.

Rows are those of C-31, C-32 and section E of the contract; codes are those of RFC 5321 section 4.2.2 and
RFC 4954 section 6, enhanced status codes those of RFC 3463 and RFC 5248.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import NamedTuple

from edge.transcoding.failure_texts import check_rows, text_values
from edge.transcoding.status import Failure

# Octets of a reply's text in one line: with code, enhanced status and CRLF it has at most 512 (RFC 5321
# section 4.5.3.1.5).
LINE_OCTETS = 480
# Lines of a reply: a text has the values of metadata in it, which may be long.
LINES = 16


class Reply(NamedTuple):
    """A reply: its code, its enhanced status (empty for none), and its text, of one line or several."""

    code: int
    status: str
    text: str

    @property
    def is_failure(self) -> bool:
        """True if the command was refused, for now or for good."""
        return self.code >= 400

    def encoded(self) -> bytes:
        """The reply on the wire. Characters that ASCII cannot hold are replaced, and long lines broken."""
        if len(self.text) <= LINE_OCTETS and self.text.isascii() and self.text.isprintable():
            # As good as all are, and breaking lines takes its time.
            return f"{self.code} {self.status}{' ' if self.status else ''}{self.text}\r\n".encode()
        lines: list[str] = []
        for text in self.text.split("\n"):
            shown = "".join(char if char.isprintable() else " " for char in text.replace("…", "..."))
            lines += textwrap.wrap(shown.encode("ascii", "replace").decode(), LINE_OCTETS) or [""]
        del lines[LINES:]
        status = f"{self.status} " if self.status else ""
        marks = ["-"] * (len(lines) - 1) + [" "]
        return "".join(
            f"{self.code}{mark}{status}{line}\r\n" for mark, line in zip(marks, lines, strict=True)
        ).encode()


class Refusal(Exception):
    """A command is refused with a reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


def refusal(code: int, status: str, text: str) -> Refusal:
    """The refusal with this reply."""
    return Refusal(Reply(code, status, text))


_AGAIN_LATER = "Try again later."
_OPERATOR = "The operator finds the cause in the logs as {request_id}."

ROWS: Mapping[str, Reply] = {
    "INTERNAL": Reply(451, "4.3.0", "The message was not taken for a reason on our side. " + _OPERATOR),
    "UNAVAILABLE": Reply(451, "4.3.0", "The service cannot take mail now. " + _AGAIN_LATER),
    "OUTCOME_UNKNOWN": Reply(
        451,
        "4.3.0",
        "The connection was lost while the message was taken, and whether it was is not known. A header "
        "Idempotency-Key makes it safe to send it again.",
    ),
    "DEADLINE_EXCEEDED": Reply(
        451,
        "4.3.0",
        "The answer was not ready in time, and whether the message was taken is not known. A header "
        "Idempotency-Key makes it safe to send it again.",
    ),
    "MISSING_CREDENTIALS": Reply(
        530, "5.7.0", "Authentication required: user name apikey, and an API key as the password."
    ),
    "INVALID_CREDENTIALS": Reply(
        535,
        "5.7.8",
        "The API key is malformed, unknown, expired or revoked. The password must be an API key.",
    ),
    "WRONG_CREDENTIAL_KIND": Reply(
        535, "5.7.8", "The password must be an API key: sending is only open to {needed}."
    ),
    "MISSING_PERMISSION": Reply(
        535,
        "5.7.1",
        "The API key may not send: it has the permission {permission}, and sending needs {needed}. "
        "Use another key.",
    ),
    "ADDRESS_NOT_ALLOWED": Reply(
        535,
        "5.7.1",
        "The API key may not be used from {address}: it is bound to other networks. Connect from one of "
        "them, or use another key.",
    ),
    "VALIDATION_FAILED": Reply(554, "5.6.0", "The message is not valid: {violation}"),
    "DOMAIN_NOT_VERIFIED": Reply(
        550,
        "5.7.1",
        "The domain {domain} of the sender is not verified. Add it, publish its DNS records and verify it, "
        "or send from a domain that is verified.",
    ),
    "DOMAIN_NOT_ALLOWED": Reply(
        550, "5.7.1", "The API key may not send from {domain}: it is bound to other domains. Use another key."
    ),
    "ATTACHMENTS_TOO_LARGE": Reply(
        552,
        "5.3.4",
        "The attachments are too large: on the plan {plan} they may have {limit} bytes together.",
    ),
    "MESSAGE_TOO_LARGE": Reply(552, "5.3.4", "The message is too large: at most {limit} bytes are taken."),
    "ALL_RECIPIENTS_SUPPRESSED": Reply(
        550,
        "5.7.1",
        "All recipients are suppressed: each of them bounced, complained, unsubscribed or was suppressed by "
        "hand. Remove an address from the suppressions if its owner wants mail again.",
    ),
    "SANDBOX_RECIPIENT": Reply(
        550,
        "5.7.1",
        "The organisation is in the sandbox: mail can only be sent to the address of its owner, {owner}. Ask "
        "the operator to activate the organisation for production.",
    ),
    "ACCOUNT_PAUSED": Reply(
        550,
        "5.7.1",
        "Sending is paused for this organisation. {why} {appeal}",
    ),
    "ACCOUNT_BANNED": Reply(535, "5.7.1", "The organisation is banned. {why} {appeal}"),
    "IDEMPOTENCY_KEY_REUSED": Reply(
        554,
        "5.6.0",
        "The Idempotency-Key was used for another message. For 24 hours it stands for the message that it "
        "first came with: use a new one.",
    ),
    "INVALID_IDEMPOTENCY_KEY": Reply(
        554, "5.6.0", "The Idempotency-Key is not valid: it has 1 to 256 characters of printable ASCII."
    ),
    "BURST_LIMIT_EXCEEDED": Reply(
        451, "4.7.1", "Too many emails a second: the limit is {limit}. Send again at {resets_at}."
    ),
    "DAILY_QUOTA_EXCEEDED": Reply(
        452,
        "4.7.1",
        "The daily quota is used up: {used} of {limit} recipients are used today, and {requested} more do "
        "not fit until {resets_at}.",
    ),
    "MONTHLY_QUOTA_EXCEEDED": Reply(
        452,
        "4.7.1",
        "The monthly quota is used up: {used} of {limit} recipients are used this month, and {requested} "
        "more do not fit until {resets_at}.",
    ),
    "RECIPIENT_CAP_EXCEEDED": Reply(
        452,
        "4.7.1",
        "The number of different recipients is reached: {used} of {limit} were written to this month, and "
        "{requested} new ones do not fit until {resets_at}.",
    ),
    "WARM_UP_LIMIT_EXCEEDED": Reply(
        452,
        "4.7.1",
        "A new account may not send as much yet: {used} of {limit} recipients are used today, and "
        "{requested} more do not fit until {resets_at}.",
    ),
    "LIMIT_EXCEEDED": Reply(
        452,
        "4.7.1",
        "The organisation has {used} {resource}, and its plan allows {limit}. {advice}, or ask the operator "
        "for a higher limit.",
    ),
    "TOO_MANY_REQUESTS": Reply(451, "4.7.0", "Too many requests. " + _AGAIN_LATER),
    # No call of the relay is refused for these: a newer server that does is not understood.
    **dict.fromkeys(
        (
            "EMAIL_NOT_FOUND",
            "DOMAIN_NOT_FOUND",
            "API_KEY_NOT_FOUND",
            "WEBHOOK_NOT_FOUND",
            "SUPPRESSION_NOT_FOUND",
            "EVENT_NOT_FOUND",
            "ATTACHMENT_NOT_FOUND",
            "BATCH_JOB_NOT_FOUND",
            "DOMAIN_ALREADY_EXISTS",
            "DOMAIN_OWNED_ELSEWHERE",
            "WEBHOOK_ALREADY_EXISTS",
            "EMAIL_NOT_SCHEDULED",
            "TOO_MANY_STREAMS",
            "MALFORMED_BODY",
            "BODY_TOO_LARGE",
            "ROUTE_NOT_FOUND",
            "METHOD_NOT_ALLOWED",
            "UNSUPPORTED_MEDIA_TYPE",
            "CONTACT_NOT_FOUND",
            "CONTACT_LIST_NOT_FOUND",
            "CONTACT_LIST_SEND_NOT_FOUND",
            "CONTACT_LIMIT_REACHED",
            "CONTACT_LIST_LIMIT_REACHED",
            "CONTACT_IMPORT_TOO_LARGE",
            "INVALID_LOGIN",
            "SECOND_FACTOR_REQUIRED",
            "INVALID_CODE",
            "SECOND_FACTOR_ACTIVE",
            "SECOND_FACTOR_NOT_BEGUN",
            "SECOND_FACTOR_NOT_ACTIVE",
            "NOT_A_MEMBER",
            "MEMBER_NOT_FOUND",
            "INVITATION_NOT_FOUND",
            "ALREADY_A_MEMBER",
            "LAST_OWNER",
            "TOO_MANY_INVITATIONS",
            "ERASURE_NOT_FOUND",
            "TOO_MANY_ERASURES",
            "EXPORT_NOT_FOUND",
            "EXPORT_NOT_READY",
            "REGISTRATION_CLOSED",
            "LINK_NOT_VALID",
            "TOO_MANY_ATTEMPTS",
            "FOREIGN_ORIGIN",
            "OIDC_NOT_CONFIGURED",
            "OIDC_LOGIN_NOT_VALID",
            "OIDC_LOGIN_REFUSED",
            "OIDC_PROVIDER_UNAVAILABLE",
            "OIDC_ADDRESS_NOT_VERIFIED",
            "IDENTITY_DEACTIVATED",
            "IDENTITY_NOT_FOUND",
            "BILLING_NOT_CONFIGURED",
            "SUBSCRIPTION_EXISTS",
            "SUBSCRIPTION_NOT_FOUND",
            "SUBSCRIPTION_NOT_ACTIVE",
            "PAYMENT_PROVIDER_UNAVAILABLE",
            "PAYMENT_PROVIDER_REFUSED",
            "PAYMENT_EVENT_NOT_VALID",
            "ORGANISATION_NOT_FOUND",
            "PLAN_NOT_FOUND",
            "NO_SECOND_FACTOR",
            "OPERATOR_SECOND_FACTOR_REQUIRED",
            "IMPERSONATION_NOT_ALLOWED",
            "ACCOUNT_STATE_CHANGED",
        ),
        Reply(451, "4.3.0", "The message was not taken, for a reason that is not of SMTP. " + _OPERATOR),
    ),
}

check_rows(ROWS)

# AUTH has a code of its own for a service that is away (RFC 4954 section 6).
AUTH_AWAY = Reply(454, "4.7.0", "Authentication is not possible now. " + _AGAIN_LATER)
NO_SMTP = Reply(
    535, "5.7.1", "The plan of this organisation has no SMTP relay. Send by the REST API, or change the plan."
)


def reply_of(failure: Failure, request_id: str) -> Reply:
    """The reply to a message, or to a command, that failed; one that a newer server gives is INTERNAL."""
    code, status, text = ROWS.get(failure.reason, ROWS["INTERNAL"])
    return Reply(code, status, text.format_map(text_values(failure, request_id)))


def sender_reply(failure: Failure, request_id: str) -> Reply:
    """The reply to MAIL: a wrong address has a status of its own (X.1.7)."""
    return _address_reply(failure, request_id, "5.1.7", "The sender's address")


def recipient_reply(failure: Failure, request_id: str) -> Reply:
    """The reply to RCPT: a wrong address has a status of its own (X.1.3)."""
    return _address_reply(failure, request_id, "5.1.3", "The recipient's address")


def auth_reply(failure: Failure, request_id: str) -> Reply:
    """The reply to AUTH."""
    reply = reply_of(failure, request_id)
    return reply if reply.code in (530, 535) else AUTH_AWAY


def _address_reply(failure: Failure, request_id: str, status: str, text: str) -> Reply:
    if failure.reason != "VALIDATION_FAILED":
        return reply_of(failure, request_id)
    problem = failure.violations[0].message if failure.violations else failure.message
    return Reply(553, status, f"{text} {problem}")

"""A finished message to send, read once into the rows that accepting it will write."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from zidimail.v1 import email_service_pb2 as pb

from server.addresses import Mailbox, NotAMailbox, mailbox, shown_text
from server.emails import rules
from server.emails.candidate import IdempotencyKey
from server.emails.draft import Draft
from server.emails.faults import InvalidIdempotencyKey
from server.emails.parts import recipient_rows
from server.emails.raw_content import Shown, shown_content
from server.emails.request_hash import request_hash
from server.emails.rules import Kind
from server.emails.time_asked import asked_time, moment_of, not_understood
from server.faults import Fault, ValidationFailed, Violation
from server.ids import new_id
from server.message import raw
from server.message.compose import message_id_line
from server.message.encoding import address_text
from server.message.raw import RawMessage
from server.message.received import Trace, received
from server.wire.caller import OrganisationCaller
from server.wire.contents import content_of

_CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arrival of a message: the name of this installation's host, the trace of the message's way to it,
    and the time in milliseconds since 1970 UTC."""

    host: str
    trace: Trace
    now_ms: int


@dataclass(slots=True)
class _Asked:
    """The envelope and the instructions beside a message."""

    sender: Mailbox | None
    recipients: dict[str, tuple[Kind, Mailbox]]
    tags: list[tuple[str, str]]
    scheduled_at: int | None


def raw_draft(request: pb.SendRawEmailRequest, caller: OrganisationCaller, arrival: Arrival) -> Draft | Fault:
    """The draft of a finished message, or its fault. `request` loses its content, which may be large.

    Time and memory are linear in the size of the message.
    """
    has_key = request.HasField("idempotency_key")
    if has_key and not rules.is_idempotency_key(request.idempotency_key):
        return InvalidIdempotencyKey()
    if len(request.recipients) > rules.MAX_RECIPIENTS or len(request.tags) > rules.MAX_TAGS:
        return ValidationFailed(list(rules.raw_sizes(len(request.recipients), len(request.tags))))
    given = bytes(content_of(request.content))
    content = raw.with_crlf(given)
    if problem := _content_problem(given, content):
        return ValidationFailed([Violation("content", problem)])
    assert content is not None
    message = raw.read(content, needs_recipients=not request.recipients)
    key = request.idempotency_key if has_key else message.idempotency_key
    if key is not None and not rules.is_idempotency_key(key):
        return InvalidIdempotencyKey()
    request.ClearField("content")
    digest = _payload_hash(request, given) if key is not None else b""
    del given
    violations = [Violation(place, problem) for place, problem in message.problems]
    shown = shown_content(content, message.parts) if not violations else Shown()
    violations += shown.violations
    asked = _asked(request, message, arrival.now_ms, violations)
    if violations:
        return ValidationFailed(violations)
    scope = None if key is None else IdempotencyKey(caller.org_id, "t-raw" if caller.test else "raw", key)
    return _draft(content, message, shown, asked, caller, arrival, scope, digest)


def _content_problem(given: bytes, content: bytes | None) -> str:
    """The reason why bytes are no message that can be sent, empty if they may be one."""
    if not given:
        return "is required"
    if content is None:
        return "holds a bare CR or LF: end every line in CRLF"
    return "holds NUL characters: encode its binary parts in base64" if b"\x00" in content else ""


def _payload_hash(request: pb.SendRawEmailRequest, content: bytes) -> bytes:
    """The hash of a message with its envelope; the way on which it came is not part of it (F-1).

    `request` has no content.
    """
    payload = pb.SendRawEmailRequest()
    payload.CopyFrom(request)
    payload.ClearField("trace")
    payload.content = hashlib.sha256(content).digest()
    return request_hash(payload)


def _asked(
    request: pb.SendRawEmailRequest, message: RawMessage, now_ms: int, violations: list[Violation]
) -> _Asked:
    """The envelope and the instructions; what is wrong with them is added to `violations`."""
    sender = None
    if request.mail_from:
        sender, problem = bare_mailbox(request.mail_from)
        violations += [Violation("mail_from", problem)] if problem else []
    recipients: dict[str, tuple[Kind, Mailbox]] = {}
    to, cc, bcc = (message.lists.get(name, []) for name in ("to", "cc", "bcc"))
    if request.recipients:
        kinds = _kinds(to, cc)
        for position, text in enumerate(request.recipients):
            box, problem = bare_mailbox(text)
            if box is None:
                violations.append(Violation(f"recipients[{position}]", problem))
            else:
                recipients.setdefault(box.key, (kinds.get(box.key, "bcc"), box))
    elif not violations:
        violations += rules.counts(to, cc, bcc, ())
        recipients = rules.envelope(to, cc, bcc) if not violations else {}
    tags = [*((tag.name, tag.value) for tag in request.tags), *message.tags]
    violations += rules.raw_sizes(0, len(tags))
    violations += rules.tags(tags[: rules.MAX_TAGS])
    violations += rules.short_subject(message.subject)
    at = asked_time(request, now_ms)
    if at is None and message.scheduled_at is not None:
        at = moment_of(message.scheduled_at, now_ms)
        at = not_understood(message.scheduled_at) if at is None else at
    if isinstance(at, Violation):
        violations.append(at)
        at = None
    return _Asked(sender, recipients, tags, at)


def bare_mailbox(text: str) -> tuple[Mailbox | None, str]:
    """An address of an envelope; without one the reason why it is none."""
    try:
        box = mailbox(text)
    except NotAMailbox as error:
        return None, str(error)
    if box.name or "<" in text:
        return None, "must be an address alone, without a name and brackets"
    return box, ""


def _kinds(to: Sequence[str], cc: Sequence[str]) -> dict[str, Kind]:
    """The lists of the header by the mailboxes that they name; one of both is of the first."""
    return {**dict.fromkeys(_keys(cc), "cc"), **dict.fromkeys(_keys(to), "to")}


def _keys(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield mailbox(text).key
        except NotAMailbox:
            continue


def _draft(
    content: bytes,
    message: RawMessage,
    shown: Shown,
    asked: _Asked,
    caller: OrganisationCaller,
    arrival: Arrival,
    key: IdempotencyKey | None,
    request_hash: bytes,
) -> Draft:
    org_id, email_id, now_ms = caller.org_id, new_id(), arrival.now_ms
    author = message.authors[0]
    sender = asked.sender
    untimely = [] if asked.scheduled_at is None else list(rules.scheduled_at(asked.scheduled_at, now_ms))
    message_id = message.message_id or f"<{email_id}@{author.domain}>"
    head = [received(arrival.trace, arrival.host, email_id, now_ms), *message.head]
    if not message.message_id:
        head.append(message_id_line(message_id))
    body = memoryview(content)[message.body.start :]
    is_ended = not body or content.endswith(_CRLF)
    attachments_size = sum(file.size for file in shown.files)
    made = Draft(
        org_id=org_id,
        domain=author.domain,
        envelope_domain="" if sender is None or sender.domain == author.domain else sender.domain,
        email={
            "org_id": org_id,
            "id": email_id,
            "key_id": caller.key_id,
            "sender": shown_text(author),
            "subject": message.subject,
            "to": _json(message.lists.get("to", [])),
            "cc": _json(message.lists.get("cc", [])),
            "bcc": _json(_blind(message, asked)),
            "reply_to": _json(message.lists.get("reply_to", [])),
            "tags": orjson.dumps(asked.tags).decode(),
            "message_id": message_id,
            "test": caller.test,
            "created_at": now_ms,
            "scheduled_at": asked.scheduled_at,
            "waiting_bytes": None,
            "job_id": None,
        },
        content={
            "org_id": org_id,
            "email_id": email_id,
            "html": shown.html or None,
            "text": shown.text or None,
            "headers": orjson.dumps(message.headers).decode(),
            "raw_head": b"".join(head),
            "raw_size": len(body) + (0 if is_ended else len(_CRLF)),
            "mail_from": None if sender is None else address_text(sender.address),
        },
        recipients=recipient_rows(org_id, email_id, asked.recipients.values(), now_ms),
        addresses=list(asked.recipients),
        recipient_domains=[recipient.domain for _, recipient in asked.recipients.values()],
        tags=[
            {"org_id": org_id, "tag": text, "email_id": email_id}
            for text in {text for name, value in asked.tags for text in (name, f"{name}:{value}")}
        ],
        attachments=[
            {"org_id": org_id, "email_id": email_id, "no": no, **file._asdict()}
            for no, file in enumerate(shown.files, start=1)
        ],
        links={},
        attachments_size=attachments_size,
        content_size=max(0, sum(map(len, head)) + len(body) - attachments_size),
        idempotency_key=key,
        request_hash=request_hash,
        allowed_domains=caller.allowed_domains,
        test=caller.test,
        scheduled_at=asked.scheduled_at,
        refusal=ValidationFailed(untimely) if untimely else None,
    )
    made.keep(0, body)
    if not is_ended:
        made.parts[-1]["content"] = bytes(made.parts[-1]["content"]) + _CRLF
    return made


def _blind(message: RawMessage, asked: _Asked) -> list[str]:
    """The recipients of blind copies."""
    return [box.address for kind, box in asked.recipients.values() if kind == "bcc"]


def _json(texts: Sequence[str]) -> str:
    return orjson.dumps(texts).decode() if texts else "[]"

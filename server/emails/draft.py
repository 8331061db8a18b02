"""A request to send, read once into the rows that accepting it will write."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from zidimail.v1 import email_service_pb2 as pb

from server.addresses import as_text, mailbox, split_all
from server.emails import rules
from server.emails.candidate import Candidate, IdempotencyKey
from server.emails.faults import InvalidIdempotencyKey
from server.emails.parts import part_rows, recipient_rows
from server.emails.request_hash import request_hash
from server.emails.sizes import content_size
from server.emails.time_asked import asked_time
from server.emails.transitions import NewEmail, Row
from server.encoded_words import decoded
from server.faults import Fault, ValidationFailed, Violation
from server.ids import new_id
from server.message.media_types import media_type_of
from server.queue.rows import NewRow
from server.queue.rules import memory_of_attachments
from server.wire.caller import OrganisationCaller
from server.wire.contents import Piece, content_of

# The columns of finished messages, of an email that is none.
_COMPOSED = {"raw_head": None, "raw_size": None, "mail_from": None}


@dataclass(slots=True, kw_only=True)
class Draft(Candidate):
    """A candidate that passed every check that needs no store: its rows, without domain id and states."""

    email: Row
    content: Row
    recipients: list[Row]
    # The domains of the recipients, in the order of `recipients` and of `addresses`.
    recipient_domains: Sequence[str]
    tags: list[Row]
    attachments: list[Row]
    # The URLs of the attachments that are still to be fetched, by the attachments' numbers.
    links: dict[int, str]
    parts: list[Row] = field(default_factory=list)
    # True when `content` and `parts` are stored already.
    is_staged: bool = False
    # The numbers of the recipients that are suppressed.
    suppressed: set[int] = field(default_factory=set)

    def attach(self, no: int, content: Piece) -> None:
        """Gives attachment `no` its content."""
        row = self.attachments[no - 1]
        row["size"] = len(content)
        self.attachments_size += len(content)
        self.keep(no, memoryview(content))

    def keep(self, no: int, whole: memoryview) -> None:
        """Adds the content of attachment `no`, or of a finished message if that is 0, to what is stored."""
        self.parts += part_rows(self.org_id, self.email["id"], no, whole)

    def detach(self) -> None:
        """Releases the content of all attachments."""
        self.parts.clear()

    @property
    def content_bytes(self) -> int:
        """The characters of the bodies, about as many bytes."""
        return len(self.content["html"] or "") + len(self.content["text"] or "")

    @property
    def stored_bytes(self) -> int:
        """The bytes of all that may be large, about."""
        return self.content_bytes + sum(len(part["content"]) for part in self.parts)

    @property
    def is_wanted(self) -> bool:
        """True if something is sent to any recipient."""
        return len(self.suppressed) < len(self.addresses)

    def suppress(self, skipped: Set[str]) -> None:
        """Marks these mailboxes as suppressed: they stay recipients, but nothing is sent to them."""
        if skipped:
            self.suppressed = {no for no, key in enumerate(self.addresses, start=1) if key in skipped}
            if not self.is_wanted:
                self.detach()

    def new_email(self) -> NewEmail:
        """The email and its recipients, to be stored with their first states."""
        if self.scheduled_at is not None:
            self.email["waiting_bytes"] = self.size
        return NewEmail(self.email, self.recipients, self.scheduled_at is not None, self.suppressed)

    def queued(self) -> list[NewRow]:
        """The recipients to enqueue; none yet for a scheduled email."""
        if self.scheduled_at is not None:
            return []
        email_id, due_at = self.email["id"], self.email["created_at"]
        attached = self.content["raw_size"] or 0
        if self.attachments and not attached:
            attached = memory_of_attachments(len(self.attachments), self.attachments_size)
        return [
            NewRow(self.org_id, email_id, no, domain, self.test, due_at, attached)
            for no, domain in enumerate(self.recipient_domains, start=1)
            if no not in self.suppressed
        ]


class _Fields(NamedTuple):
    """The fields of a request that are read before they are checked; times in milliseconds since 1970 UTC."""

    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    reply_to: Sequence[str]
    subject: str
    headers: dict[str, str]
    tags: list[tuple[str, str]]
    scheduled_at: int | None
    time_violation: Violation | None


def draft(
    request: pb.SendEmailRequest,
    caller: OrganisationCaller,
    now_ms: int,
    email_id: str | None = None,
    job_id: str | None = None,
    added_headers: int = 0,
) -> Draft | Fault:
    """The draft of a request, or its fault: returned, because other items of the batch may be good.

    The email has a new id unless `email_id` is given; `job_id` is the batch job that sends it. Of the headers
    the platform has added `added_headers`, which do not count among the caller's own.
    """
    key = request.idempotency_key if request.HasField("idempotency_key") else None
    if key is not None and not rules.is_idempotency_key(key):
        return InvalidIdempotencyKey()
    # An email that is refused by its sizes alone is not looked into: looking takes time.
    lists = {"to": request.to, "cc": request.cc, "bcc": request.bcc, "reply_to": request.reply_to}
    filenames = [file.filename for file in request.attachments] if request.attachments else ()
    counts = len(request.headers) - added_headers, len(request.tags)
    if oversized := list(rules.sizes(lists, request.subject, filenames, *counts)):
        return ValidationFailed(oversized)
    asked = asked_time(request, now_ms)
    fields = _Fields(
        # An entry may hold several mailboxes, and a library may have encoded the subject (C-54).
        split_all(lists["to"]),
        split_all(lists["cc"]),
        split_all(lists["bcc"]),
        split_all(lists["reply_to"]),
        decoded(request.subject),
        dict(request.headers),
        [(tag.name, tag.value) for tag in request.tags],
        *((None, asked) if isinstance(asked, Violation) else (asked, None)),
    )
    violations = _violations(request, lists, fields)
    if job_id is not None:
        violations += rules.of_job(is_scheduled=asked is not None, has_key=key is not None)
    if violations:
        return ValidationFailed(violations)
    made = _draft(request, fields, caller, now_ms, email_id or new_id())
    made.email["job_id"] = job_id
    for no, given in enumerate(request.attachments, start=1):
        if not given.path:
            made.attach(no, content_of(given.content))
    return made


def _draft(
    request: pb.SendEmailRequest, fields: _Fields, caller: OrganisationCaller, now_ms: int, email_id: str
) -> Draft:
    """The draft of a request without violations; its attachments have no content yet."""
    org_id = caller.org_id
    domain = mailbox(getattr(request, "from")).domain
    envelope = rules.envelope(fields.to, fields.cc, fields.bcc)
    untimely = [] if fields.scheduled_at is None else list(rules.scheduled_at(fields.scheduled_at, now_ms))
    has_key = request.HasField("idempotency_key")
    return Draft(
        org_id=org_id,
        domain=domain,
        email=_email_row(request, fields, caller, email_id, domain, now_ms),
        content={
            "org_id": org_id,
            "email_id": email_id,
            "html": request.html or None,
            "text": request.text or None,
            "headers": _trimmed(fields.headers) if fields.headers else "{}",
            **_COMPOSED,
        },
        recipients=recipient_rows(org_id, email_id, envelope.values(), now_ms),
        addresses=list(envelope),
        recipient_domains=[recipient.domain for _, recipient in envelope.values()],
        tags=[
            {"org_id": org_id, "tag": text, "email_id": email_id}
            for text in {text for name, value in fields.tags for text in (name, f"{name}:{value}")}
        ],
        attachments=[_attachment(org_id, email_id, *file) for file in enumerate(request.attachments, 1)],
        links={no: given.path for no, given in enumerate(request.attachments, start=1) if given.path},
        idempotency_key=IdempotencyKey(org_id, "t-send" if caller.test else "send", request.idempotency_key)
        if has_key
        else None,
        request_hash=request_hash(request) if has_key else b"",
        allowed_domains=caller.allowed_domains,
        test=caller.test,
        scheduled_at=fields.scheduled_at,
        content_size=0 if fields.scheduled_at is None else content_size(request),
        refusal=ValidationFailed(untimely) if untimely else None,
    )


def _email_row(
    request: pb.SendEmailRequest,
    fields: _Fields,
    caller: OrganisationCaller,
    email_id: str,
    domain: str,
    now_ms: int,
) -> Row:
    """The row of an email, without its domain's id and its status."""
    return {
        "org_id": caller.org_id,
        "id": email_id,
        "key_id": caller.key_id,
        "sender": as_text(getattr(request, "from")),
        "subject": fields.subject,
        "to": _json(fields.to),
        "cc": _json(fields.cc),
        "bcc": _json(fields.bcc),
        "reply_to": _json(fields.reply_to),
        "tags": orjson.dumps(fields.tags).decode(),
        "message_id": rules.message_id(fields.headers, email_id, domain),
        "test": caller.test,
        "created_at": now_ms,
        "scheduled_at": fields.scheduled_at,
        "waiting_bytes": None,
    }


def _violations(
    request: pb.SendEmailRequest, lists: Mapping[str, Sequence[str]], fields: _Fields
) -> list[Violation]:
    # Most fields are mostly absent, and then not checked.
    found = list(rules.counts(fields.to, fields.cc, fields.bcc, fields.reply_to))
    if found and fields.to:
        # There are too many to look at each.
        return found
    found = [*rules.sender(getattr(request, "from")), *found]
    for name, texts in lists.items():
        if texts:
            found += rules.addresses(name, texts)
    found += rules.subject(fields.subject)
    found += rules.bodies(request.html, request.text)
    if fields.headers:
        found += rules.headers(fields.headers, has_reply_to=bool(request.reply_to))
    if fields.tags:
        found += rules.tags(fields.tags)
    if request.attachments:
        found += rules.attachments([_file(given) for given in request.attachments])
    if fields.time_violation is not None:
        found.append(fields.time_violation)
    return found


def _file(given: pb.NewAttachment) -> rules.File:
    return rules.File(
        decoded(given.filename),
        len(content_of(given.content)) if given.HasField("content") else None,
        given.path,
        given.content_type,
        _bare(given.content_id),
    )


def _attachment(org_id: str, email_id: str, no: int, given: pb.NewAttachment) -> Row:
    """The row of an attachment, without its content."""
    filename = decoded(given.filename).strip()
    return {
        "org_id": org_id,
        "email_id": email_id,
        "no": no,
        "filename": filename,
        "content_type": given.content_type.strip() or ("" if given.path else media_type_of(filename)),
        "content_id": _bare(given.content_id),
        "size": 0,
    }


def _bare(content_id: str) -> str:
    """A Content-ID without the brackets that its header has."""
    return content_id[1:-1] if content_id.startswith("<") and content_id.endswith(">") else content_id


def _json(texts: Sequence[str]) -> str:
    return orjson.dumps([as_text(text) for text in texts]).decode() if texts else "[]"


def _trimmed(headers: dict[str, str]) -> str:
    return orjson.dumps({name: value.strip(" \t") for name, value in headers.items()}).decode()

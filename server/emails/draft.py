"""A request to send, read once into the rows that accepting it will write."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import orjson
from zidimail.v1 import email_service_pb2 as pb

from server.addresses import mailbox
from server.emails import rules
from server.emails.candidate import Candidate, IdempotencyKey
from server.emails.faults import InvalidIdempotencyKey
from server.events.log import Entry
from server.faults import Fault, ValidationFailed, Violation
from server.ids import new_id
from server.message.media_types import media_type_of
from server.wire.caller import Caller
from server.wire.timestamps import milliseconds

# How many shards the queues have. A shard holds whole organisations, so that claiming from each in turn
# keeps one organisation's backlog from hiding another's mail. Stored with each row: never change it.
SHARDS = 64
PRIORITY_TRANSACTIONAL = 1
# The site of mail that never leaves. Stored with each row: never change it.
SIMULATED = "simulator"
# The bytes of an attachment in one stored part: whole lines of base64 (57 bytes each).
PART = 57 * 16_384
# The approximate size of the headers of one attachment, in bytes.
_PART_OVERHEAD = 512
_ADDRESS_LISTS = ("to", "cc", "bcc", "reply_to")

# The values of one row by the names of its columns, whose types differ.
Row: TypeAlias = dict[str, Any]
Hashed = TypeVar("Hashed", pb.SendEmailRequest, pb.BatchSendEmailsRequest)


@dataclass(slots=True, kw_only=True)
class Draft(Candidate):
    """A candidate that passed every check without the store: its rows, without the domain's id."""

    email: Row
    content: Row
    recipients: list[Row]
    queue: list[Row]
    tags: list[Row] = field(default_factory=list)
    attachments: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    # The URLs of the attachments that are still to be fetched, by the attachments' numbers.
    links: dict[int, str] = field(default_factory=dict)

    def attach(self, no: int, content: bytes) -> None:
        """Gives attachment `no` its content."""
        row = self.attachments[no - 1]
        row["size"] = len(content)
        self.attachments_size += len(content)
        whole = memoryview(content)
        self.parts += [
            {
                "org_id": self.org_id,
                "email_id": row["email_id"],
                "no": no,
                "part": part,
                "content": whole[start : start + PART],
            }
            for part, start in enumerate(range(0, len(content), PART))
        ]

    def detach(self) -> None:
        """Releases the content of all attachments."""
        self.parts.clear()

    def queued(self) -> list[Row]:
        """The rows of the queue; none yet for a scheduled email."""
        if self.scheduled_at is not None:
            return []
        if self.attachments:
            attached = weight(len(self.attachments), self.attachments_size)
            for row in self.queue:
                row["attached"] = attached
        return self.queue

    def suppress(self, skipped: Set[str]) -> None:
        """Marks these mailboxes as suppressed: they stay recipients, but nothing is queued for them."""
        if not skipped:
            return
        numbers = {no for no, key in enumerate(self.addresses, start=1) if key in skipped}
        for row in self.recipients:
            if row["no"] in numbers:
                row["status"] = "suppressed"
        self.queue = [row for row in self.queue if row["no"] not in numbers]

    def entries(self) -> list[Entry]:
        """The entries of the log for accepting the email."""
        org_id, email_id, created_at = self.org_id, self.email["id"], self.email["created_at"]
        begun = "email.sent" if self.scheduled_at is None else "email.scheduled"
        return [
            Entry(org_id=org_id, email_id=email_id, type=begun, created_at=created_at),
            *(
                Entry(
                    org_id=org_id,
                    email_id=email_id,
                    type="email.suppressed",
                    created_at=created_at,
                    recipient=row["address"],
                )
                for row in self.recipients
                if row["status"] == "suppressed"
            ),
        ]


def draft(request: pb.SendEmailRequest, caller: Caller, now_ms: int) -> Draft | Fault:
    """The draft of a request, or its fault: returned, because other items of the batch may be good."""
    key = request.idempotency_key if request.HasField("idempotency_key") else None
    if key is not None and not rules.is_idempotency_key(key):
        return InvalidIdempotencyKey()
    headers = dict(request.headers)
    tags = [(tag.name, tag.value) for tag in request.tags]
    violations = _violations(request, headers, tags)
    scheduled_at = milliseconds(request.scheduled_at) if request.HasField("scheduled_at") else None
    if scheduled_at is None and request.HasField("scheduled_at"):
        violations.append(Violation("scheduled_at", "is no time"))
    if violations:
        return ValidationFailed(violations)
    untimely = [] if scheduled_at is None else list(rules.scheduled_at(scheduled_at, now_ms))
    status = "queued" if scheduled_at is None else "scheduled"
    sender = mailbox(getattr(request, "from"))
    email_id = new_id()
    org_id = caller.org_id
    envelope = rules.envelope(request.to, request.cc, request.bcc)
    shard = shard_of(org_id)
    made = Draft(
        org_id=org_id,
        domain=sender.domain,
        email={
            "org_id": org_id,
            "id": email_id,
            "key_id": caller.key_id,
            "sender": getattr(request, "from").strip(),
            "subject": request.subject,
            "to": _json(request.to),
            "cc": _json(request.cc),
            "bcc": _json(request.bcc),
            "reply_to": _json(request.reply_to),
            "tags": orjson.dumps(tags).decode(),
            "message_id": rules.message_id(headers, email_id, sender.domain),
            "test": caller.test,
            "status": status,
            "created_at": now_ms,
            "scheduled_at": scheduled_at,
        },
        content={
            "org_id": org_id,
            "email_id": email_id,
            "html": request.html or None,
            "text": request.text or None,
            "headers": orjson.dumps(headers).decode() if headers else "{}",
        },
        recipients=[
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": no,
                "kind": kind,
                "address": recipient.address,
                "status": status,
                "attempts": 0,
                "updated_at": now_ms,
            }
            for no, (kind, recipient) in enumerate(envelope.values(), start=1)
        ],
        queue=[
            queue_row(org_id, email_id, no, shard, site_of(recipient.domain, test=caller.test), now_ms)
            for no, (_, recipient) in enumerate(envelope.values(), start=1)
        ],
        idempotency_key=None if key is None else IdempotencyKey(org_id, "send", key),
        request_hash=request_hash(request) if key is not None else b"",
        addresses=list(envelope),
        allowed_domains=caller.allowed_domains,
        test=caller.test,
        scheduled_at=scheduled_at,
        tags=[
            {"org_id": org_id, "tag": text, "email_id": email_id}
            for text in {text for name, value in tags for text in (name, f"{name}:{value}")}
        ],
        attachments=[
            _attachment(org_id, email_id, no, given) for no, given in enumerate(request.attachments, start=1)
        ],
        links={no: given.path for no, given in enumerate(request.attachments, start=1) if given.path},
        refusal=ValidationFailed(untimely) if untimely else None,
    )
    for no, given in enumerate(request.attachments, start=1):
        if not given.path:
            made.attach(no, given.content)
    return made


def site_of(domain: str, *, test: bool) -> str:
    """The site that mail to a domain goes to: the simulator for test mail (F-5)."""
    return SIMULATED if test else domain


def queue_row(org_id: str, email_id: str, no: int, shard: int, site: str, due_at: int) -> Row:
    """The row of the queue for a recipient that was never tried."""
    return {
        "org_id": org_id,
        "email_id": email_id,
        "no": no,
        "shard": shard,
        "priority": PRIORITY_TRANSACTIONAL,
        "site": site,
        "due_at": due_at,
        "attempts": 0,
        "crashes": 0,
        "uncertain": False,
        "attached": 0,
        "lease_token": 0,
    }


def weight(count: int, size: int) -> int:
    """Estimated bytes in memory of attachments: their content and 512 for each."""
    return size + count * _PART_OVERHEAD


def request_hash(request: Hashed) -> bytes:
    """SHA-256 of a request without its idempotency key: equal for requests with the same payload."""
    # Taken out and put back: a copy of a large request would cost its size again.
    key = request.idempotency_key
    request.ClearField("idempotency_key")
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    request.idempotency_key = key
    return digest


def shard_of(org_id: str) -> int:
    """The queue shard of an organisation."""
    return zlib.crc32(org_id.encode()) % SHARDS


def _violations(
    request: pb.SendEmailRequest, headers: Mapping[str, str], tags: Sequence[tuple[str, str]]
) -> list[Violation]:
    # Most fields are mostly absent, and then not checked.
    found = [
        *rules.sender(getattr(request, "from")),
        *rules.counts(request.to, request.cc, request.bcc, request.reply_to),
    ]
    for name in _ADDRESS_LISTS:
        if texts := getattr(request, name):
            found += rules.addresses(name, texts)
    found += rules.subject(request.subject)
    found += rules.bodies(request.html, request.text)
    if headers:
        found += rules.headers(headers, has_reply_to=bool(request.reply_to))
    if tags:
        found += rules.tags(tags)
    if request.attachments:
        found += rules.attachments([_file(given) for given in request.attachments])
    return found


def _file(given: pb.NewAttachment) -> rules.File:
    return rules.File(
        given.filename,
        len(given.content) if given.HasField("content") else None,
        given.path,
        given.content_type,
        _bare(given.content_id),
    )


def _attachment(org_id: str, email_id: str, no: int, given: pb.NewAttachment) -> Row:
    """The row of an attachment, without its content."""
    filename = given.filename.strip()
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
    return orjson.dumps([text.strip() for text in texts]).decode() if texts else "[]"

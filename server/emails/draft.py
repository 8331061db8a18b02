"""A request to send, read once into the rows that accepting it will write."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from zidimail.v1 import email_service_pb2 as pb

from server.addresses import mailbox
from server.emails import rules
from server.emails.media_types import media_type_of
from server.events.log import Entry
from server.faults import Fault, InvalidIdempotencyKey, ValidationFailed, Violation
from server.ids import new_id
from server.wire.caller import OrganisationCaller
from server.wire.timestamps import milliseconds

# How many shards the queues have. A shard holds whole organisations, so that claiming from each in turn
# keeps one organisation's backlog from hiding another's mail. Stored with each row: never change it.
SHARDS = 64
PRIORITY_TRANSACTIONAL = 1
# The site of mail that never leaves. Stored with each row: never change it.
SIMULATED = "simulator"
# So many bytes of an attachment are stored together: whole lines of base64 (57 bytes each).
PART = 57 * 16_384
# What the header of a part takes, about, in bytes.
_PART_OVERHEAD = 512
_ADDRESS_LISTS = ("to", "cc", "bcc", "reply_to")

Row = dict[str, Any]
Hashed = TypeVar("Hashed", pb.SendEmailRequest, pb.BatchSendEmailsRequest)


@dataclass(slots=True)
class Draft:
    """One email that passed every check that needs no store: its rows, lacking the domain's id."""

    org_id: str
    domain: str
    email: Row
    content: Row
    recipients: list[Row]
    queue: list[Row]
    idempotency_key: str | None
    request_hash: bytes
    # The recipients' mailboxes in lower case, in the order of `recipients`.
    addresses: Sequence[str]
    # From which domains the caller's key may send; empty for all.
    allowed_domains: Set[str]
    # What is sent never leaves the building and uses no quota (F-5).
    test: bool
    tags: list[Row] = field(default_factory=list)
    attachments: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    # The URLs of the attachments, by their numbers, that are still to be fetched.
    links: dict[int, str] = field(default_factory=dict)
    # What is wrong with it now, though it may have been right when its idempotency key was first used.
    refusal: Fault | None = None

    @property
    def scheduled_at(self) -> int | None:
        """When delivery begins, if that was asked for: milliseconds since 1970 UTC."""
        at: int | None = self.email["scheduled_at"]
        return at

    @property
    def attachments_size(self) -> int:
        """How many bytes the attachments have together, as far as they are here."""
        return sum(row["size"] for row in self.attachments)

    def attach(self, no: int, content: bytes) -> None:
        """Gives attachment `no` its content."""
        row = self.attachments[no - 1]
        row["size"] = len(content)
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
        """Lets go of every content."""
        self.parts.clear()

    def queued(self) -> list[Row]:
        """The rows of the queue: none yet for an email that waits for its time."""
        if self.scheduled_at is not None:
            return []
        if self.attachments:
            attached = weight(len(self.attachments), self.attachments_size)
            for row in self.queue:
                row["attached"] = attached
        return self.queue

    def suppress(self, skipped: Set[str]) -> None:
        """Takes these mailboxes off the way: they stay recipients, but nothing is queued for them."""
        if not skipped:
            return
        numbers = {no for no, key in enumerate(self.addresses, start=1) if key in skipped}
        for row in self.recipients:
            if row["no"] in numbers:
                row["status"] = "suppressed"
        self.queue = [row for row in self.queue if row["no"] not in numbers]

    def entries(self) -> list[Entry]:
        """What accepting the email appends to the log."""
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


def draft(request: pb.SendEmailRequest, caller: OrganisationCaller, now_ms: int) -> Draft | Fault:
    """The draft of a request, or what is wrong with it: a list with a bad item must go on."""
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
        idempotency_key=key,
        request_hash=request_hash(request) if key is not None else b"",
        addresses=list(envelope),
        allowed_domains=caller.allowed_domains,
        test=caller.test,
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
    """Where mail to a domain goes: test mail stays here, whatever the domain (F-5)."""
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
    """What so many attachments weigh in the queue, in bytes: an email with any weighs more than nothing."""
    return size + count * _PART_OVERHEAD


def request_hash(request: Hashed) -> bytes:
    """What two requests with the same payload have in common: SHA-256, the idempotency key left out."""
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
    # What is absent, as most of it mostly is, is not asked about.
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

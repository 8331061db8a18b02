"""A request to send, read once into the rows that accepting it will write."""

import hashlib
import json
import zlib
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from zidimail.v1 import email_service_pb2 as pb

from server.addresses import mailbox
from server.emails import rules
from server.events.log import Entry
from server.faults import Fault, InvalidIdempotencyKey, ValidationFailed, Violation
from server.ids import new_id
from server.wire.caller import Caller

# How many shards the queues have. A shard holds whole organisations, so that claiming from each in turn
# keeps one organisation's backlog from hiding another's mail. Stored with each row: never change it.
SHARDS = 64
PRIORITY_TRANSACTIONAL = 1

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
        return [
            Entry(org_id=org_id, email_id=email_id, type="email.sent", created_at=created_at),
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
    """The draft of a request, or what is wrong with it: a list with a bad item must go on."""
    key = request.idempotency_key if request.HasField("idempotency_key") else None
    if key is not None and not rules.is_idempotency_key(key):
        return InvalidIdempotencyKey()
    violations = _violations(request)
    if violations:
        return ValidationFailed(violations)
    sender = mailbox(getattr(request, "from"))
    headers = dict(request.headers)
    email_id = new_id()
    org_id = caller.org_id
    envelope = rules.envelope(request.to, request.cc, request.bcc)
    shard = shard_of(org_id)
    return Draft(
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
            "tags": json.dumps([[tag.name, tag.value] for tag in request.tags]) if request.tags else "[]",
            "message_id": rules.message_id(headers, email_id, sender.domain),
            "status": "queued",
            "created_at": now_ms,
        },
        content={
            "org_id": org_id,
            "email_id": email_id,
            "html": request.html or None,
            "text": request.text or None,
            "headers": json.dumps(headers) if headers else "{}",
        },
        recipients=[
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": no,
                "kind": kind,
                "address": recipient.address,
                "status": "queued",
                "attempts": 0,
                "updated_at": now_ms,
            }
            for no, (kind, recipient) in enumerate(envelope, start=1)
        ],
        queue=[
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": no,
                "shard": shard,
                "priority": PRIORITY_TRANSACTIONAL,
                "site": recipient.domain,
                "due_at": now_ms,
                "attempts": 0,
                "crashes": 0,
                "uncertain": False,
                "lease_token": 0,
            }
            for no, (_, recipient) in enumerate(envelope, start=1)
        ],
        idempotency_key=key,
        request_hash=request_hash(request) if key is not None else b"",
        addresses=[recipient.key for _, recipient in envelope],
        allowed_domains=caller.allowed_domains,
        test=caller.test,
    )


def request_hash(request: Hashed) -> bytes:
    """What two requests with the same payload have in common: SHA-256, the idempotency key left out."""
    plain = type(request)()
    plain.CopyFrom(request)
    plain.ClearField("idempotency_key")
    return hashlib.sha256(plain.SerializeToString(deterministic=True)).digest()


def shard_of(org_id: str) -> int:
    """The queue shard of an organisation."""
    return zlib.crc32(org_id.encode()) % SHARDS


def _violations(request: pb.SendEmailRequest) -> list[Violation]:
    return [
        *rules.sender(getattr(request, "from")),
        *rules.counts(request.to, request.cc, request.bcc, request.reply_to),
        *rules.addresses("to", request.to),
        *rules.addresses("cc", request.cc),
        *rules.addresses("bcc", request.bcc),
        *rules.addresses("reply_to", request.reply_to),
        *rules.subject(request.subject),
        *rules.bodies(request.html, request.text),
        *rules.headers(request.headers, has_reply_to=bool(request.reply_to)),
        *rules.tags([(tag.name, tag.value) for tag in request.tags]),
    ]


def _json(texts: Sequence[str]) -> str:
    return json.dumps([text.strip() for text in texts], ensure_ascii=False) if texts else "[]"

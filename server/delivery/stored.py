"""Emails as the store has them, loaded to be built and sent."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from server.db.keys import KeyType
from server.db.statements import Statement
from server.db.tx import Tx

_EMAIL: dict[str, KeyType] = {"org_id": "text", "email_id": "text"}


class EmailRow(NamedTuple):
    """An email with its content. `to`, `cc`, `reply_to` and `headers` are JSON.

    `begins_at` is when it was accepted, or scheduled for: milliseconds since 1970 UTC.
    """

    org_id: str
    id: str
    domain_id: str
    sender: str
    subject: str
    to: str
    cc: str
    reply_to: str
    message_id: str
    begins_at: int
    html: str | None
    text: str | None
    headers: str
    # Of a finished message: its header, the bytes of its body, and the envelope's sender if it has another.
    raw_head: bytes | None
    raw_size: int | None
    mail_from: str | None


class RecipientRow(NamedTuple):
    """A recipient in the envelope of an email."""

    org_id: str
    email_id: str
    no: int
    kind: str
    address: str


class PartRow(NamedTuple):
    """A part of an attachment, or of the body of a finished message as attachment 0.

    `content` is None if no part of it is stored.
    """

    org_id: str
    email_id: str
    no: int
    filename: str
    content_type: str
    content_id: str
    size: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Stored:
    """An email, the address and kind of each of its recipients by number, and its attachments."""

    email: EmailRow
    addresses: dict[int, str] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    parts: list[PartRow] = field(default_factory=list)

    @property
    def accepted_at(self) -> int:
        """When it was accepted, or scheduled for: milliseconds since 1970 UTC."""
        return self.email.begins_at

    @property
    def alone(self) -> bool:
        """True if there is only one recipient."""
        return len(self.addresses) == 1


_EMAILS = Statement(
    EmailRow,
    """
    SELECT e.org_id, e.id, e.domain_id, e.sender, e.subject, e."to", e.cc, e.reply_to, e.message_id,
        COALESCE(e.scheduled_at, e.created_at) AS begins_at, c.html, c.text, c.headers,
        c.raw_head, c.raw_size, c.mail_from
    FROM {keys} AS k CROSS JOIN emails AS e
    JOIN email_contents AS c ON c.org_id = e.org_id AND c.email_id = e.id
    WHERE e.org_id = k.org_id AND e.id = k.email_id
    """,
    keys=_EMAIL,
)
_RECIPIENTS = Statement(
    RecipientRow,
    """
    SELECT r.org_id, r.email_id, r.no, r.kind, r.address FROM {keys} AS k CROSS JOIN recipients AS r
    WHERE r.org_id = k.org_id AND r.email_id = k.email_id
    """,
    keys=_EMAIL,
)
# The parts of attachments, in order; an attachment without stored content is one row.
_PARTS = Statement(
    PartRow,
    """
    SELECT a.org_id, a.email_id, a.no, a.filename, a.content_type, a.content_id, a.size, p.content
    FROM {keys} AS k CROSS JOIN attachments AS a
    LEFT JOIN attachment_parts AS p ON p.org_id = a.org_id AND p.email_id = a.email_id AND p.no = a.no
    WHERE a.org_id = k.org_id AND a.email_id = k.email_id ORDER BY a.email_id, a.no, p.part
    """,
    keys=_EMAIL,
)
# The parts of the bodies of finished messages, in order; their files are in them.
_BODIES = Statement(
    PartRow,
    """
    SELECT p.org_id, p.email_id, p.no, '' AS filename, '' AS content_type, '' AS content_id,
        0 AS size, p.content
    FROM {keys} AS k CROSS JOIN attachment_parts AS p
    WHERE p.org_id = k.org_id AND p.email_id = k.email_id AND p.no = 0 ORDER BY p.email_id, p.part
    """,
    keys=_EMAIL,
)


def load(
    tx: Tx, keys: Collection[tuple[str, str]], with_attachments: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Stored]:
    """The emails with these organisations and ids; those of `with_attachments` have attachments."""
    emails = {(row.org_id, row.id): Stored(row) for row in _EMAILS.all(tx, keys=keys)}
    for recipient in _RECIPIENTS.all(tx, keys=keys):
        email = emails.get((recipient.org_id, recipient.email_id))
        if email is not None:
            email.addresses[recipient.no] = recipient.address
            email.kinds[recipient.no] = recipient.kind
    raw = [key for key, email in emails.items() if email.email.raw_size]
    composed = set(with_attachments).difference(raw)
    parts = _PARTS.all(tx, keys=composed) if composed else []
    parts += _BODIES.all(tx, keys=raw) if raw else []
    for part in parts:
        email = emails.get((part.org_id, part.email_id))
        if email is not None:
            email.parts.append(part)
    return emails

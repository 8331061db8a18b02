"""The scheduled emails that are due, in the store: read and locked, then written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from server.db.statements import BulkInsert, Change, Statement
from server.db.tables.queue import outq
from server.db.tx import Tx
from server.emails.candidate import Candidate
from server.emails.draft import Row, weight
from server.emails.store import forget_attachments
from server.events import log

MAX_RELEASED = 200

# (organisation, email)
EmailKey: TypeAlias = tuple[str, str]


class ScheduledRecipient(NamedTuple):
    """A recipient of an email that is due, if it was not suppressed when the email was accepted."""

    org_id: str
    email_id: str
    no: int
    address: str


@dataclass(frozen=True, slots=True)
class DueEmail:
    """A scheduled email that is due, with its recipients; `attached` is the memory of its files, in bytes."""

    org_id: str
    id: str
    domain_id: str
    test: bool
    recipients: Sequence[ScheduledRecipient]
    attached: int

    def candidate(self) -> Candidate:
        """The email for admission."""
        return Candidate(
            org_id=self.org_id,
            domain=self.domain_id,
            addresses=[row.address.lower() for row in self.recipients],
            test=self.test,
        )


class Reason(NamedTuple):
    """The reason for which there was no attempt: an enhanced status code (RFC 3463), and its meaning."""

    status: str
    text: str


class _EmailKey(NamedTuple):
    org_id: str
    id: str


class _DueRow(NamedTuple):
    org_id: str
    id: str
    domain_id: str
    test: bool


class _AttachedRow(NamedTuple):
    org_id: str
    email_id: str
    files: int
    size: int


# Any one email that is due, without a lock.
_ANY_DUE = Statement(
    _EmailKey, "SELECT org_id, id FROM emails WHERE status = 'scheduled' AND scheduled_at <= :now LIMIT 1"
)
# Locks the emails: another server skips them, and moving or canceling one waits for the commit.
_DUE = Statement(
    _DueRow,
    f"""
    SELECT org_id, id, domain_id, test FROM emails
    WHERE status = 'scheduled' AND scheduled_at <= :now
    ORDER BY scheduled_at, id
    LIMIT {MAX_RELEASED}
    {{postgresql: FOR UPDATE SKIP LOCKED}}
    """,
)
_RECIPIENTS = Statement(
    ScheduledRecipient,
    """
    SELECT org_id, email_id, no, address FROM recipients
    WHERE (org_id, email_id) IN {keys} AND status = 'scheduled'
    ORDER BY email_id, no
    """,
    keys={"org_id": "text", "email_id": "text"},
)
_ATTACHED = Statement(
    _AttachedRow,
    """
    SELECT org_id, email_id, COUNT(*) AS files, CAST(SUM(size) AS bigint) AS size FROM attachments
    WHERE (org_id, email_id) IN {keys}
    GROUP BY org_id, email_id
    """,
    keys={"org_id": "text", "email_id": "text"},
)
_SET_STATUS = Change("UPDATE emails SET status = :status WHERE org_id = :org_id AND id = :email_id")
_POSTPONE = Change("UPDATE emails SET scheduled_at = :at WHERE org_id = :org_id AND id = :email_id")
_SET_RECIPIENT = Change("""
    UPDATE recipients
    SET status = :status, reply_status = :reply_status, reply_text = :reply_text, updated_at = :now
    WHERE org_id = :org_id AND email_id = :email_id AND no = :no
""")
_QUEUE = BulkInsert(outq)


@dataclass(slots=True)
class Changes:
    """The rows that a release writes."""

    now_ms: int
    emails: list[Row] = field(default_factory=list)
    postponed: list[Row] = field(default_factory=list)
    recipients: list[Row] = field(default_factory=list)
    queue: list[Row] = field(default_factory=list)
    entries: list[log.Entry] = field(default_factory=list)
    # The emails that are not delivered to anyone.
    ended: list[EmailKey] = field(default_factory=list)

    def set_status(self, key: EmailKey, status: str) -> None:
        """Changes the status of an email."""
        self.emails.append({"org_id": key[0], "email_id": key[1], "status": status})

    def postpone(self, key: EmailKey, at_ms: int) -> None:
        """Gives an email another time."""
        self.postponed.append({"org_id": key[0], "email_id": key[1], "at": at_ms})

    def set_recipients(
        self, people: Sequence[ScheduledRecipient], status: str, reason: Reason | None = None
    ) -> None:
        """Changes the status of recipients."""
        self.recipients += [
            {
                "org_id": row.org_id,
                "email_id": row.email_id,
                "no": row.no,
                "status": status,
                "reply_status": reason and reason.status,
                "reply_text": reason and reason.text,
                "now": self.now_ms,
            }
            for row in people
        ]

    def settle(self, people: Sequence[ScheduledRecipient], status: str, reason: Reason) -> None:
        """Settles recipients without an attempt, each with an event that holds the reason."""
        self.set_recipients(people, status, reason)
        self.entries += [
            log.Entry(
                org_id=row.org_id,
                email_id=row.email_id,
                type=f"email.{status}",
                created_at=self.now_ms,
                recipient=row.address,
                reply_status=reason.status,
                reply_text=reason.text,
            )
            for row in people
        ]

    def end(self, key: EmailKey, people: Sequence[ScheduledRecipient], status: str, reason: Reason) -> None:
        """Settles an email with all its recipients without an attempt."""
        self.settle(people, status, reason)
        self.set_status(key, status)
        self.ended.append(key)


def is_any_due(tx: Tx, now_ms: int) -> bool:
    """True if a scheduled email is due."""
    return _ANY_DUE.first(tx, now=now_ms) is not None


def read_due(tx: Tx, now_ms: int) -> list[DueEmail]:
    """Reads and locks up to `MAX_RELEASED` emails that are due."""
    rows = _DUE.all(tx, now=now_ms)
    if not rows:
        return []
    keys = [(row.org_id, row.id) for row in rows]
    recipients: dict[EmailKey, list[ScheduledRecipient]] = defaultdict(list)
    for recipient in _RECIPIENTS.all(tx, keys):
        recipients[recipient.org_id, recipient.email_id].append(recipient)
    attached = {(row.org_id, row.email_id): weight(row.files, row.size) for row in _ATTACHED.all(tx, keys)}
    return [
        DueEmail(*row, recipients[row.org_id, row.id], attached.get((row.org_id, row.id), 0)) for row in rows
    ]


def write(tx: Tx, changes: Changes) -> None:
    """Writes what a release changes."""
    _SET_STATUS.run(tx, changes.emails)
    _POSTPONE.run(tx, changes.postponed)
    _SET_RECIPIENT.run(tx, changes.recipients)
    _QUEUE.rows(tx, changes.queue)
    forget_attachments(tx, changes.ended)
    log.append(tx, changes.entries)

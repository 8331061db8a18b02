"""The scheduled emails that are due, in the store: read and locked, then written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.emails import transitions
from server.emails.candidate import Candidate
from server.emails.lifecycle import Status
from server.emails.transitions import NO_REPLY, EmailKey, Reply, Row, Transition
from server.queue import store as queue
from server.queue.rows import NewRow
from server.queue.rules import memory_of_attachments

MAX_RELEASED = 200
# The organisations that one release looks at, and those that it takes emails of: each of these costs a
# statement. The next release goes on with the next ones.
VISITED_PER_RELEASE = 256
ORGANISATIONS_PER_RELEASE = 16


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
    envelope_domain_id: str | None
    test: bool
    recipients: Sequence[ScheduledRecipient]
    attached: int

    def candidate(self) -> Candidate:
        """The email for admission."""
        return Candidate(
            org_id=self.org_id,
            domain=self.domain_id,
            envelope_domain=self.envelope_domain_id or "",
            addresses=[row.address.lower() for row in self.recipients],
            test=self.test,
        )


class _EmailKey(NamedTuple):
    org_id: str
    id: str


class _WaitingRow(NamedTuple):
    org_id: str
    is_due: bool


class _DueRow(NamedTuple):
    org_id: str
    id: str
    domain_id: str
    envelope_domain_id: str | None
    test: bool


class _AttachedRow(NamedTuple):
    org_id: str
    email_id: str
    files: int
    size: int


class _RawRow(NamedTuple):
    org_id: str
    email_id: str
    raw_size: int


# Any one email that is due, without a lock.
_ANY_DUE = Statement(
    _EmailKey, "SELECT org_id, id FROM emails WHERE status = 'scheduled' AND scheduled_at <= :now LIMIT 1"
)
# Organisations with scheduled emails, after one of them. It jumps from each organisation straight to the
# next, so that the number of their emails does not matter.
WAITING = Statement(
    _WaitingRow,
    """
    WITH RECURSIVE waiting(number, org_id) AS (
        SELECT 1, (SELECT min(e.org_id) FROM emails AS e WHERE e.status = 'scheduled' AND e.org_id > :after)
        UNION ALL
        SELECT number + 1, (
            SELECT min(e.org_id) FROM emails AS e WHERE e.status = 'scheduled' AND e.org_id > waiting.org_id
        )
        FROM waiting WHERE waiting.org_id IS NOT NULL AND number < :limit
    )
    SELECT org_id, EXISTS (
        SELECT 1 FROM emails AS e
        WHERE e.status = 'scheduled' AND e.org_id = waiting.org_id AND e.scheduled_at <= :now
    ) AS is_due
    FROM waiting WHERE org_id IS NOT NULL ORDER BY number
    """,
)
# Locks the emails: another server skips them, and moving or canceling one waits for the commit.
_DUE = Statement(
    _DueRow,
    """
    SELECT org_id, id, domain_id, envelope_domain_id, test FROM emails
    WHERE status = 'scheduled' AND org_id = :org_id AND scheduled_at <= :now
    ORDER BY scheduled_at, id
    LIMIT :limit
    {postgresql: FOR UPDATE SKIP LOCKED}
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
_RAW = Statement(
    _RawRow,
    """
    SELECT org_id, email_id, raw_size FROM email_contents
    WHERE (org_id, email_id) IN {keys} AND raw_size IS NOT NULL
    """,
    keys={"org_id": "text", "email_id": "text"},
)
_POSTPONE = Change("UPDATE emails SET scheduled_at = :at WHERE org_id = :org_id AND id = :email_id")


@dataclass(slots=True)
class Changes:
    """The changes that a release writes; times are milliseconds since 1970 UTC."""

    now_ms: int
    transitions: list[Transition] = field(default_factory=list)
    queued: list[NewRow] = field(default_factory=list)
    postponed: list[Row] = field(default_factory=list)

    def queue(self, email: DueEmail, recipients: Sequence[ScheduledRecipient]) -> None:
        """Begins the delivery to recipients of an email."""
        self._change(recipients, "queued")
        self.queued += [
            NewRow(
                *(row.org_id, row.email_id, row.no, row.address.rpartition("@")[2], email.test, self.now_ms),
                attached=email.attached,
            )
            for row in recipients
        ]

    def end(self, recipients: Sequence[ScheduledRecipient], status: Status, reason: Reply) -> None:
        """Ends recipients without an attempt, for a reason."""
        self._change(recipients, status, 0, reason)

    def postpone(self, email: DueEmail, at_ms: int) -> None:
        """Gives an email another time."""
        self.postponed.append({"org_id": email.org_id, "email_id": email.id, "at": at_ms})

    def _change(
        self,
        recipients: Sequence[ScheduledRecipient],
        status: Status,
        attempts: int | None = None,
        reply: Reply = NO_REPLY,
    ) -> None:
        self.transitions += [
            # `read_due` has locked the email.
            Transition(row.org_id, row.email_id, row.no, status, attempts, reply, is_locked=True)
            for row in recipients
        ]


def is_any_due(tx: Tx, now_ms: int) -> bool:
    """True if a scheduled email is due."""
    return _ANY_DUE.first(tx, now=now_ms) is not None


def read_due(tx: Tx, now_ms: int, after: str = "") -> tuple[list[DueEmail], str]:
    """Reads and locks up to `MAX_RELEASED` emails that are due, of organisations in turn.

    The first turn is that of the organisation after `after`. Also returns the last one that had its turn,
    which is empty after the last of all.
    """
    visited = WAITING.all(tx, after=after, now=now_ms, limit=VISITED_PER_RELEASE)
    due = [row.org_id for row in visited if row.is_due][:ORGANISATIONS_PER_RELEASE]
    is_end = len(visited) < VISITED_PER_RELEASE and sum(row.is_due for row in visited) == len(due)
    last = "" if is_end else due[-1] if due else visited[-1].org_id
    share = MAX_RELEASED // max(1, len(due))
    rows = [row for org_id in due for row in _DUE.all(tx, org_id=org_id, now=now_ms, limit=share)]
    if not rows:
        return [], last
    keys = [(row.org_id, row.id) for row in rows]
    recipients: dict[EmailKey, list[ScheduledRecipient]] = defaultdict(list)
    for recipient in _RECIPIENTS.all(tx, keys):
        recipients[recipient.org_id, recipient.email_id].append(recipient)
    attached = {
        (row.org_id, row.email_id): memory_of_attachments(row.files, row.size)
        for row in _ATTACHED.all(tx, keys)
    }
    # The files of a finished message are in its body.
    attached |= {(row.org_id, row.email_id): row.raw_size for row in _RAW.all(tx, keys)}
    found = [
        DueEmail(*row, recipients[row.org_id, row.id], attached.get((row.org_id, row.id), 0)) for row in rows
    ]
    return found, last


def write(tx: Tx, changes: Changes) -> None:
    """Writes what a release changes."""
    transitions.apply(tx, changes.transitions, changes.now_ms)
    queue.enqueue(tx, changes.queued)
    _POSTPONE.run(tx, changes.postponed)

"""Rows of the queue whose engine is gone, with what is needed to settle them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.db.keys import KeyType
from server.db.statements import Statement
from server.db.tx import Tx
from server.delivery.record import Attempt
from server.queue import store as queue
from server.queue.rows import LeaseKey, Leftover

_KEYS: dict[str, KeyType] = {"org_id": "text", "email_id": "text", "no": "integer"}


@dataclass(frozen=True, slots=True)
class Orphan:
    """The attempt that an engine had begun, and how many engines were gone with this row before."""

    attempt: Attempt
    crashes: int

    @property
    def key(self) -> LeaseKey:
        """The key of the row."""
        return self.attempt.key


class _Recipient(NamedTuple):
    org_id: str
    email_id: str
    no: int
    address: str
    begins_at: int


# Recipients, and when their emails were accepted or scheduled for.
_RECIPIENTS = Statement(
    _Recipient,
    """
    SELECT r.org_id, r.email_id, r.no, r.address, COALESCE(e.scheduled_at, e.created_at) AS begins_at
    FROM {keys} AS k CROSS JOIN recipients AS r
    JOIN emails AS e ON e.org_id = r.org_id AND e.id = r.email_id
    WHERE r.org_id = k.org_id AND r.email_id = k.email_id AND r.no = k.no
    """,
    keys=_KEYS,
)


def left_by(tx: Tx, owner: str) -> list[Orphan]:
    """The rows that `owner` holds; those whose leases end first come first."""
    return _orphans(tx, queue.leased_by(tx, owner))


def expired(tx: Tx, now: int, limit: int) -> list[Orphan]:
    """Rows whose leases ended before `now`, whoever held them; those whose leases ended first come first."""
    return _orphans(tx, queue.expired(tx, now, limit))


def _orphans(tx: Tx, rows: Sequence[Leftover]) -> list[Orphan]:
    if not rows:
        return []
    found = {row[:3]: row for row in _RECIPIENTS.all(tx, keys=[row.key[:3] for row in rows])}
    orphans = []
    for row in rows:
        recipient = found.get(row.key[:3])
        if recipient is not None:
            began_at = recipient.begins_at + row.held_ms
            attempt = Attempt(
                *(row.key, recipient.address, began_at, row.attempts, row.uncertain), alone=False
            )
            orphans.append(Orphan(attempt, row.crashes))
    return orphans

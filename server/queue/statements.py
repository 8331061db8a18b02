"""The SQL of the delivery queue, the table `delivery_queue`, for both engines."""

from typing import NamedTuple

from server.db.keys import KeyType
from server.db.statements import Change, Statement
from server.queue.rows import LeaseKey
from server.queue.rules import PRIORITY_BULK, PRIORITY_TRANSACTIONAL, PRIORITY_URGENT

_KEYS: dict[str, KeyType] = {"org_id": "text", "email_id": "text", "no": "integer"}


class WaitingOrganisation(NamedTuple):
    """An organisation with rows that are not leased, and the classes of priority in which some are due."""

    org_id: str
    urgent: bool
    transactional: bool
    bulk: bool


class ClaimedRow(NamedTuple):
    """The columns that a claim returns: the fields of `LeaseKey`, then those of `Claimed`."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str
    site: str
    attempts: int
    crashes: int
    uncertain: bool
    attached: int
    held_ms: int


class LeftoverRow(NamedTuple):
    """A leased row: the fields of `LeaseKey`, then those of `Leftover`."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str
    attempts: int
    crashes: int
    uncertain: bool
    held_ms: int


class HoldingOrg(NamedTuple):
    """An organisation with held rows."""

    org_id: str


class HeldRow(NamedTuple):
    """A row that was held."""

    org_id: str
    email_id: str
    no: int


_IS_DUE = """EXISTS (
        SELECT 1 FROM delivery_queue AS q
        WHERE q.lease_until IS NULL AND q.org_id = waiting.org_id AND q.priority = {priority}
            AND q.due_at <= :now
    )"""
# Organisations with rows that are not leased, after one of them. It jumps from each organisation straight to
# the next (a loose index scan), so that the length of a queue does not matter.
WAITING = Statement(
    WaitingOrganisation,
    f"""
    WITH RECURSIVE waiting(number, org_id) AS (
        SELECT 1, (
            SELECT min(q.org_id) FROM delivery_queue AS q WHERE q.lease_until IS NULL AND q.org_id > :after
        )
        UNION ALL
        SELECT number + 1, (
            SELECT min(q.org_id) FROM delivery_queue AS q
            WHERE q.lease_until IS NULL AND q.org_id > waiting.org_id
        )
        FROM waiting WHERE waiting.org_id IS NOT NULL AND number < :limit
    )
    SELECT org_id,
        {_IS_DUE.format(priority=PRIORITY_URGENT)} AS urgent,
        {_IS_DUE.format(priority=PRIORITY_TRANSACTIONAL)} AS transactional,
        {_IS_DUE.format(priority=PRIORITY_BULK)} AS bulk
    FROM waiting WHERE org_id IS NOT NULL ORDER BY number
    """,
)

# Leases due rows of one organisation and class of priority, the oldest first. Materialised, as PostgreSQL may
# otherwise run the inner query more than once, and claim more than its limit.
CLAIM = Statement(
    ClaimedRow,
    """
    WITH due AS MATERIALIZED (
        SELECT org_id, email_id, no FROM delivery_queue
        WHERE lease_until IS NULL AND org_id = :org_id AND priority = :priority AND due_at <= :now
        ORDER BY due_at, email_id, no LIMIT :limit
        {postgresql: FOR UPDATE SKIP LOCKED}
    )
    UPDATE delivery_queue SET lease_owner = :owner, lease_token = lease_token + 1, lease_until = :until
    WHERE (org_id, email_id, no) IN (SELECT org_id, email_id, no FROM due)
    RETURNING org_id, email_id, no, lease_token AS token, lease_owner AS owner,
        site, attempts, crashes, uncertain, attached, held_ms
    """,
)

# The leases on rows, which PostgreSQL locks, or only those that ended before a time: it looks again at a row
# for which it had to wait. The list of keys comes first in the join: SQLite would scan the
# table for `IN (VALUES ...)`.
LEASES = Statement(
    LeaseKey,
    """
    SELECT q.org_id, q.email_id, q.no, q.lease_token AS token, q.lease_owner AS owner
    FROM {keys} AS k CROSS JOIN delivery_queue AS q
    WHERE q.org_id = k.org_id AND q.email_id = k.email_id AND q.no = k.no AND q.lease_owner IS NOT NULL
        AND q.lease_until < COALESCE(CAST(:ended_before AS bigint), q.lease_until + 1)
    {postgresql: FOR UPDATE OF q}
    """,
    keys=_KEYS,
)

_LEFTOVERS = """
    SELECT org_id, email_id, no, lease_token AS token, lease_owner AS owner, attempts, crashes, uncertain,
        held_ms
    FROM delivery_queue
"""

# Rows that an engine still holds.
LEASED_BY = Statement(
    LeftoverRow,
    f"{_LEFTOVERS} WHERE lease_until IS NOT NULL AND lease_owner = :owner ORDER BY lease_until",
)

# Rows whose leases have run out.
EXPIRED = Statement(LeftoverRow, f"{_LEFTOVERS} WHERE lease_until < :now ORDER BY lease_until LIMIT :limit")

_OF_KEY = "WHERE org_id = :org_id AND email_id = :email_id AND no = :no"

# Extends a lease.
RENEW = Change(f"UPDATE delivery_queue SET lease_until = :until {_OF_KEY}")

# Ends a lease without an attempt; parameters that are NULL leave their columns as they are.
RELEASE = Change(
    f"""
    UPDATE delivery_queue SET lease_owner = NULL, lease_until = NULL, due_at = COALESCE(:due_at, due_at),
        crashes = COALESCE(:crashes, crashes), uncertain = COALESCE(:uncertain, uncertain),
        held_since = COALESCE(:held_since, held_since)
    {_OF_KEY}
    """
)

# Ends a lease after an attempt that is to be repeated.
RESCHEDULE = Change(
    f"""
    UPDATE delivery_queue SET lease_owner = NULL, lease_until = NULL, due_at = :due_at, attempts = :attempts,
        uncertain = :uncertain
    {_OF_KEY}
    """
)

# Organisations with held rows that are not paused any more. It jumps from organisation to organisation, so
# that the number of held rows does not matter.
RESUMED = Statement(
    HoldingOrg,
    """
    WITH RECURSIVE holding(org_id) AS (
        SELECT min(org_id) FROM delivery_queue WHERE held_since IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(q.org_id) FROM delivery_queue AS q
            WHERE q.held_since IS NOT NULL AND q.org_id > holding.org_id
        )
        FROM holding WHERE holding.org_id IS NOT NULL
    )
    SELECT holding.org_id FROM holding LEFT JOIN organisations AS o ON o.org_id = holding.org_id
    WHERE holding.org_id IS NOT NULL AND COALESCE(o.state, '') <> 'paused'
    """,
)

# Makes held rows of an organisation due again.
RESUME = Statement(
    HeldRow,
    """
    UPDATE delivery_queue SET held_ms = held_ms + (:now - held_since), held_since = NULL, due_at = :now
    WHERE (org_id, email_id, no) IN (
        SELECT org_id, email_id, no FROM delivery_queue
        WHERE org_id = :org_id AND held_since IS NOT NULL ORDER BY email_id, no LIMIT :limit
        {postgresql: FOR UPDATE SKIP LOCKED}
    )
    RETURNING org_id, email_id, no
    """,
)

# Takes a row out of the queue.
REMOVE = Change(f"DELETE FROM delivery_queue {_OF_KEY}")

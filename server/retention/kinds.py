"""The kinds of data that are kept by id: how old rows are found, without a lock, and how they are deleted.

A find reads the beginning of an index range of each organisation, as ids are ordered by time; a delete names
its rows by their keys, so that two servers which found the same rows delete them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from sqlalchemy import Table, delete

from server.db.keys import in_keys
from server.db.statements import Statement
from server.db.tables.account_health import account_changes
from server.db.tables.accounts import audit_entries
from server.db.tables.contacts import contact_list_sends
from server.db.tables.emails import batch_jobs, email_contents
from server.db.tables.keys import api_keys
from server.db.tables.webhooks import webhook_attempts, webhook_calls
from server.db.tx import Tx
from server.ids import least_id_of

# The names of rows to delete.
Found: TypeAlias = Sequence[tuple[str, ...]]


class Bound(NamedTuple):
    """An organisation, and the time (ms since 1970 UTC) before which its data of a kind is too old."""

    org_id: str
    before_ms: int


class Kind(Protocol):
    """A kind of data. `days` is the field of `RetentionDays` that says how long it is kept."""

    @property
    def name(self) -> str: ...
    @property
    def days(self) -> str: ...

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """Some of the rows that are too old; none only if there are none."""

    def delete(self, tx: Tx, found: Found) -> None:
        """Deletes rows that were found; those that are gone already do not matter."""


class _OrgKey(NamedTuple):
    org_id: str
    id: str


class _WebhookKey(NamedTuple):
    org_id: str
    webhook_id: str
    id: str


@dataclass(frozen=True)
class Rows:
    """Rows of one table, found by a statement with the keys `org_id`, `before_id` and `before_ms` as `k`."""

    name: str
    days: str
    table: Table
    columns: tuple[str, ...]
    statement: Statement[_OrgKey] | Statement[_WebhookKey]
    # The most rows of one transaction: what the writer does in some milliseconds.
    limit: int = 500

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """See `Kind`."""
        return self.statement.all(tx, keys_of(bounds), limit=self.limit)

    def delete(self, tx: Tx, found: Found) -> None:
        """See `Kind`."""
        columns = [self.table.c[name] for name in self.columns]
        tx.change(delete(self.table).where(in_keys(tx, columns, found)))


def keys_of(bounds: Sequence[Bound]) -> list[tuple[str, str, str]]:
    """The keys of a statement that finds old rows."""
    return [(bound.org_id, least_id_of(bound.before_ms), str(bound.before_ms)) for bound in bounds]


def old_rows(sql: str) -> Statement[_OrgKey]:
    """A statement that finds the ids of old rows of the organisations `k`."""
    return Statement(_OrgKey, sql, keys={"org_id": "text", "before_id": "text", "before_ms": "text"})


def _by_id(table: str) -> Statement[_OrgKey]:
    return old_rows(f"""
        SELECT t.org_id, t.id FROM {{keys}} AS k CROSS JOIN {table} AS t
        WHERE t.org_id = k.org_id AND t.id < k.before_id
        LIMIT :limit
    """)


# Mail that is still to be sent needs its contents, however old it is.
SETTLED = """
    NOT EXISTS (
        SELECT 1 FROM recipients AS r WHERE r.org_id = k.org_id AND r.email_id = {id}
        AND r.status IN ('scheduled', 'queued', 'delivery_delayed')
    )
"""
_BODIES = old_rows(f"""
    SELECT c.org_id, c.email_id AS id FROM {{keys}} AS k CROSS JOIN email_contents AS c
    WHERE c.org_id = k.org_id AND c.email_id < k.before_id AND {SETTLED.format(id="c.email_id")}
    LIMIT :limit
""")
_REVOKED_KEYS = old_rows("""
    SELECT t.org_id, t.id FROM {keys} AS k CROSS JOIN api_keys AS t
    WHERE t.org_id = k.org_id AND t.revoked_at < CAST(k.before_ms AS bigint)
    LIMIT :limit
""")
_LIST_SENDS = old_rows("""
    SELECT t.org_id, t.id FROM {keys} AS k CROSS JOIN contact_list_sends AS t
    WHERE t.org_id = k.org_id AND t.completed_at < CAST(k.before_ms AS bigint)
    LIMIT :limit
""")


def _of_webhooks(table: str, id: str, condition: str) -> Statement[_WebhookKey]:
    return Statement(
        _WebhookKey,
        f"""
        SELECT t.org_id, t.webhook_id, t.{id} AS id
        FROM {{keys}} AS k CROSS JOIN webhooks AS w CROSS JOIN {table} AS t
        WHERE w.org_id = k.org_id AND t.org_id = w.org_id AND t.webhook_id = w.id
            AND t.{id} < k.before_id AND {condition}
        LIMIT :limit
        """,
        keys={"org_id": "text", "before_id": "text", "before_ms": "text"},
    )


_OF_ORG = ("org_id", "id")
BY_ID: Sequence[Rows] = (
    # A body may have a megabyte, and its pages are freed one by one.
    Rows("bodies", "bodies", email_contents, ("org_id", "email_id"), _BODIES, limit=50),
    Rows("batch_jobs", "batch_jobs", batch_jobs, _OF_ORG, _by_id("batch_jobs")),
    Rows("list_sends", "list_sends", contact_list_sends, _OF_ORG, _LIST_SENDS),
    Rows("audit", "audit", audit_entries, _OF_ORG, _by_id("audit_entries")),
    Rows("account_changes", "audit", account_changes, _OF_ORG, _by_id("account_changes")),
    # The audit log names keys by their rows.
    Rows("revoked_keys", "audit", api_keys, _OF_ORG, _REVOKED_KEYS),
    # Calls that are still to be made stay in the queue.
    Rows(
        "webhook_calls",
        "webhook_calls",
        webhook_calls,
        ("org_id", "webhook_id", "event_id"),
        _of_webhooks("webhook_calls", "event_id", "t.due_at IS NULL AND t.lease_until IS NULL"),
    ),
    Rows(
        "webhook_attempts",
        "webhook_calls",
        webhook_attempts,
        ("org_id", "webhook_id", "id"),
        _of_webhooks("webhook_attempts", "id", "TRUE"),
    ),
)

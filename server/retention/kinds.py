"""The kinds of data that are kept by id: how old rows are found, without a lock, and how they are deleted.

A find reads the beginning of an index range of each organisation, as ids are ordered by time; a delete names
its rows by their keys, so that two servers which found the same rows delete them once. Rows that may begin to
be needed again are looked at once more as they are deleted (`Rows.still`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from sqlalchemy import ColumnElement, Table, delete

from server.db.keys import KeyType, in_keys
from server.db.statements import Statement
from server.db.tables.account_health import account_changes
from server.db.tables.accounts import audit_entries
from server.db.tables.contacts import contact_list_sends
from server.db.tables.emails import batch_jobs, email_contents
from server.db.tables.keys import api_keys
from server.db.tables.webhooks import webhook_attempts, webhook_calls
from server.db.tx import Tx
from server.ids import least_id_of

# The columns of the keys of every statement that finds old rows.
KEYS: Mapping[str, KeyType] = {"org_id": "text", "before_id": "text", "before_ms": "text"}
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
    # The condition that the rows still meet when they are deleted, as it may have changed since.
    still: Sequence[ColumnElement[bool]] = ()

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """See `Kind`."""
        return self.statement.all(tx, keys_of(bounds), limit=self.limit)

    def delete(self, tx: Tx, found: Found) -> None:
        """See `Kind`."""
        columns = [self.table.c[name] for name in self.columns]
        tx.change(delete(self.table).where(in_keys(tx, columns, found), *self.still))


def keys_of(bounds: Sequence[Bound]) -> list[tuple[str, str, str]]:
    """The keys of a statement that finds old rows."""
    return [(bound.org_id, least_id_of(bound.before_ms), str(bound.before_ms)) for bound in bounds]


def old_rows(table: str, id: str, condition: str) -> Statement[_OrgKey]:
    """A statement that finds the ids of rows `t` of the organisations `k` that meet a condition.

    PostgreSQL would rather read a large table as a whole, if one organisation has most of it: `LATERAL` makes
    it look up each organisation by the index, as SQLite does.
    """
    condition = f"t.org_id = k.org_id AND {condition}"
    return Statement(
        _OrgKey,
        f"""
        SELECT t.org_id, t.{id} AS id FROM {{keys}} AS k CROSS JOIN
        {{sqlite: {table} AS t WHERE {condition} LIMIT :limit}}
        {{postgresql: LATERAL (
            SELECT t.org_id, t.{id} FROM {table} AS t WHERE {condition} ORDER BY t.org_id, t.{id} LIMIT :limit
        ) AS t LIMIT :limit}}
        """,
        keys=KEYS,
    )


def settled(id: str) -> str:
    """The condition that the email with this id waits for no attempt: else its contents are needed.

    With an offset PostgreSQL looks up each email, and joins no tables.
    """
    return f"""
        NOT EXISTS (
            SELECT 1 FROM recipients AS r WHERE r.org_id = t.org_id AND r.email_id = t.{id}
            AND r.status IN ('scheduled', 'queued', 'delivery_delayed') LIMIT 1 OFFSET 0
        )
    """


_BEFORE = "t.id < k.before_id"
_BODIES = old_rows("email_contents", "email_id", f"t.email_id < k.before_id AND {settled('email_id')}")
_REVOKED_KEYS = old_rows("api_keys", "id", "t.revoked_at < CAST(k.before_ms AS bigint)")
_LIST_SENDS = old_rows("contact_list_sends", "id", "t.completed_at < CAST(k.before_ms AS bigint)")


def _of_webhooks(table: str, id: str, condition: str) -> Statement[_WebhookKey]:
    condition = f"t.org_id = w.org_id AND t.webhook_id = w.id AND t.{id} < k.before_id AND {condition}"
    columns = f"t.org_id, t.webhook_id, t.{id}"
    return Statement(
        _WebhookKey,
        f"""
        SELECT {columns} AS id FROM {{keys}} AS k CROSS JOIN webhooks AS w CROSS JOIN
        {{sqlite: {table} AS t WHERE w.org_id = k.org_id AND {condition} LIMIT :limit}}
        {{postgresql: LATERAL (
            SELECT {columns} FROM {table} AS t WHERE {condition} ORDER BY {columns} LIMIT :limit
        ) AS t WHERE w.org_id = k.org_id LIMIT :limit}}
        """,
        keys=KEYS,
    )


_OF_ORG = ("org_id", "id")
BY_ID: Sequence[Rows] = (
    # A body may have a megabyte, and its pages are freed one by one.
    Rows("bodies", "bodies", email_contents, ("org_id", "email_id"), _BODIES, limit=50),
    Rows("batch_jobs", "batch_jobs", batch_jobs, _OF_ORG, old_rows("batch_jobs", "id", _BEFORE)),
    Rows("list_sends", "list_sends", contact_list_sends, _OF_ORG, _LIST_SENDS),
    Rows("audit", "audit", audit_entries, _OF_ORG, old_rows("audit_entries", "id", _BEFORE)),
    Rows("account_changes", "audit", account_changes, _OF_ORG, old_rows("account_changes", "id", _BEFORE)),
    # The audit log names keys by their rows.
    Rows("revoked_keys", "audit", api_keys, _OF_ORG, _REVOKED_KEYS),
    # Calls that are still to be made stay in the queue.
    Rows(
        "webhook_calls",
        "webhook_calls",
        webhook_calls,
        ("org_id", "webhook_id", "event_id"),
        _of_webhooks("webhook_calls", "event_id", "t.due_at IS NULL AND t.lease_until IS NULL"),
        still=(webhook_calls.c.due_at.is_(None), webhook_calls.c.lease_until.is_(None)),
    ),
    Rows(
        "webhook_attempts",
        "webhook_calls",
        webhook_attempts,
        ("org_id", "webhook_id", "id"),
        _of_webhooks("webhook_attempts", "id", "TRUE"),
    ),
)

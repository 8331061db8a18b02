"""The rows that fan-out needs beside the log: the webhooks of organisations, and the emails of events."""

from collections.abc import Iterable
from typing import NamedTuple

from server.db.statements import Statement
from server.db.tx import Tx
from server.webhooks.formats.format import EmailRow


class Subscription(NamedTuple):
    """The event types that a webhook gets, and in which format.

    It gets only events after the place (`since_stamp`, `since_seq`).
    """

    org_id: str
    id: str
    format: str
    events: str  # a JSON list
    since_stamp: int
    since_seq: int


_SUBSCRIPTIONS = Statement(
    Subscription,
    "SELECT org_id, id, format, events, since_stamp, since_seq FROM webhooks WHERE org_id IN {keys}",
    keys={"org_id": "text"},
)
_EMAILS = Statement(
    EmailRow,
    """
    SELECT e.org_id, e.id, e.sender, e."to", e.cc, e.bcc, e.reply_to, e.subject, e.tags,
        COALESCE(c.headers, '{}') AS headers, e.message_id, e.test, e.created_at
    FROM {keys} AS k CROSS JOIN emails AS e
        LEFT JOIN email_contents AS c ON c.org_id = e.org_id AND c.email_id = e.id
    WHERE e.org_id = k.org_id AND e.id = k.id
    """,
    keys={"org_id": "text", "id": "text"},
)


def of_organisations(tx: Tx, org_ids: Iterable[str]) -> list[Subscription]:
    """The subscriptions of these organisations."""
    return _SUBSCRIPTIONS.all(tx, [(org_id,) for org_id in org_ids])


def emails(tx: Tx, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], EmailRow]:
    """The emails by organisation and id."""
    return {(row.org_id, row.id): row for row in _EMAILS.all(tx, keys)}

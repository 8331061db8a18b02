"""The number of webhooks, API keys and domains that an organisation may own (contract row C-88).

The plan says how many, unless the organisation has a number of its own. Scheduled and test mail, which are
limited in the same way, are counted where mail is accepted (`server.quotas`).
"""

from typing import Literal, NamedTuple, TypeAlias

from server.db.statements import Statement
from server.db.tx import Tx
from server.faults import LimitReached

Owned: TypeAlias = Literal["webhooks", "api_keys", "domains"]


class _Organisation(NamedTuple):
    org_id: str


class _Count(NamedTuple):
    used: int
    most: int | None


# A statement of its own: one that also counts would wait for the lock and then count what was before.
_LOCK = Statement(
    _Organisation,
    "SELECT org_id FROM organisations WHERE org_id = :org_id {postgresql: FOR NO KEY UPDATE}",
)


def _count(table: str, limit: str, condition: str = "") -> Statement[_Count]:
    return Statement(
        _Count,
        f"""
        SELECT (SELECT COUNT(*) FROM {table} AS t WHERE t.org_id = o.org_id {condition}) AS used,
            COALESCE(o.{limit}, p.{limit}) AS most
        FROM organisations AS o JOIN plans AS p ON p.plan = o.plan WHERE o.org_id = :org_id
        """,
    )


_COUNTS = {
    "webhooks": _count("webhooks", "webhook_limit"),
    "api_keys": _count("api_keys", "key_limit", "AND t.revoked_at IS NULL"),
    "domains": _count("domains", "domain_limit"),
}


def check_room(tx: Tx, org_id: str, owned: Owned) -> None:
    """Raises `LimitReached` unless the organisation may own one more.

    Until the transaction ends no other one adds to what the organisation owns.
    """
    lock(tx, org_id)
    found = _COUNTS[owned].first(tx, org_id=org_id)
    if found is not None and found.most is not None and found.used >= found.most:
        raise LimitReached(owned, found.used, found.most)


def lock(tx: Tx, org_id: str) -> None:
    """Keeps other transactions from adding to what the organisation owns, until this one ends."""
    if not tx.is_sqlite:
        _LOCK.all(tx, org_id=org_id)

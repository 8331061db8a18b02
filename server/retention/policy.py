"""The days for which an organisation's data is kept, in the store."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from server.db.tables.retention import retention_days
from server.db.tx import Tx

DAY_MS = 86_400_000


class _OwnRow(NamedTuple):
    kind: str
    days: int


def own_days(tx: Tx, org_id: str) -> dict[str, int]:
    """The organisation's own numbers, by kind."""
    query = select(retention_days.c.kind, retention_days.c.days).where(retention_days.c.org_id == org_id)
    return {row.kind: row.days for row in tx.all(_OwnRow, query)}


def change_own_days(tx: Tx, org_id: str, changes: Mapping[str, int | None]) -> None:
    """Sets the organisation's own numbers; None stands for the platform's."""
    this = (retention_days.c.org_id == org_id, retention_days.c.kind.in_(sorted(changes)))
    tx.change(delete(retention_days).where(*this))
    rows = [
        {"org_id": org_id, "kind": kind, "days": days} for kind, days in changes.items() if days is not None
    ]
    if rows:
        tx.change(insert(retention_days), rows)

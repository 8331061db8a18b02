"""The numbers of the delivery queue, for operators."""

from typing import NamedTuple

from server.db.statements import Statement
from server.db.tx import Tx

# The time that counting may take: a queue of some millions.
COUNTING_S = 10.0


class SiteRow(NamedTuple):
    """The recipients of a destination: due now, waiting for their time, leased, held; the oldest email."""

    site: str
    due: int
    waiting: int
    leased: int
    held: int
    oldest_email_id: str

    @property
    def total(self) -> int:
        """All of them."""
        return self.due + self.waiting + self.leased + self.held


def _count(condition: str) -> str:
    return f"CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS bigint)"


def _sites(condition: str) -> Statement[SiteRow]:
    return Statement(
        SiteRow,
        f"""
        SELECT site,
            {_count("held_since IS NULL AND lease_until IS NULL AND due_at <= :now")} AS due,
            {_count("held_since IS NULL AND lease_until IS NULL AND due_at > :now")} AS waiting,
            {_count("held_since IS NULL AND lease_until IS NOT NULL")} AS leased,
            {_count("held_since IS NOT NULL")} AS held,
            MIN(email_id) AS oldest_email_id
        FROM delivery_queue {condition}
        GROUP BY site
        """,
    )


_ALL = _sites("")
_OF_ORGANISATION = _sites("WHERE org_id = :org_id")


def sites(tx: Tx, org_id: str | None, now_ms: int) -> list[SiteRow]:
    """The destinations of an organisation's mail, or of all mail, the longest queue first.

    It reads the whole queue, for at most 10 seconds: then it raises DBAPIError (see `server.db.outage`).
    """
    with tx.limited(COUNTING_S):
        if org_id is None:
            rows = _ALL.all(tx, now=now_ms)
        else:
            rows = _OF_ORGANISATION.all(tx, now=now_ms, org_id=org_id)
    return sorted(rows, key=lambda row: (-row.total, row.site))

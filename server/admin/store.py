"""Organisations as operators list them, and the rates of all of them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import or_, select

from server.account_health.rules import Counts, State, first_hour
from server.accounts.store import ORGANISATION_COLUMNS, OrganisationRow
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Statement
from server.db.tables.accounts import organisations
from server.db.tx import Tx
from server.ids import SYSTEM_ORG_ID

Order = Literal["bounce_rate", "complaint_rate"]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Criteria for organisations; None or empty for no criterion."""

    search: str = ""
    plan: str | None = None
    state: State | None = None
    sandbox: bool | None = None


class FiguresRow(NamedTuple):
    """An organisation with its counts in a window."""

    org_id: str
    name: str
    plan: str
    state: State
    sent: int
    delivered: int
    bounced: int
    complained: int

    @property
    def counts(self) -> Counts:
        """The counts."""
        return Counts(self.sent, self.delivered, self.bounced, self.complained)


def _worst(count: str, of: str) -> Statement[FiguresRow]:
    # Without a count there is no rate; the larger number comes first of two rates that are equal.
    return Statement(
        FiguresRow,
        f"""
        SELECT o.org_id, o.name, o.plan, o.state, h.sent, h.delivered, h.bounced, h.complained
        FROM (
            SELECT c.org_id, CAST(SUM(c.sent) AS bigint) AS sent,
                CAST(SUM(c.delivered) AS bigint) AS delivered,
                CAST(SUM(c.bounced) AS bigint) AS bounced,
                CAST(SUM(c.complained) AS bigint) AS complained
            FROM health_counts AS c WHERE c.hour >= :first_hour
            GROUP BY c.org_id HAVING SUM(c.sent) >= :least_sent AND SUM(c.{count}) > 0
        ) AS h JOIN organisations AS o ON o.org_id = h.org_id
        ORDER BY CASE WHEN h.{of} > 0 THEN 1.0 * h.{count} / h.{of} ELSE 1.0 END DESC,
            h.{count} DESC, o.org_id
        LIMIT :limit
        """,
    )


_WORST = {
    "bounce_rate": _worst("bounced", "sent"),
    "complaint_rate": _worst("complained", "delivered"),
}


def page(tx: Tx, criteria: Criteria, request: PageRequest) -> Page[OrganisationRow]:
    """A page of the organisations of customers, newest first."""
    query = select(*ORGANISATION_COLUMNS).where(organisations.c.org_id != SYSTEM_ORG_ID)
    if criteria.search:
        columns = (organisations.c.name, organisations.c.owner_email, organisations.c.org_id)
        query = query.where(or_(*(column.icontains(criteria.search, autoescape=True) for column in columns)))
    if criteria.plan is not None:
        query = query.where(organisations.c.plan == criteria.plan)
    if criteria.state is not None:
        query = query.where(organisations.c.state == criteria.state)
    if criteria.sandbox is not None:
        query = query.where(organisations.c.sandbox.is_(criteria.sandbox))
    return newest_first(tx, OrganisationRow, query, organisations.c.org_id, request)


def worst(tx: Tx, order: Order, now_ms: int, hours: int, least_sent: int, limit: int) -> list[FiguresRow]:
    """The organisations with the worst rates of the last `hours` hours, the worst first.

    Only those that have sent to `least_sent` recipients, and have a bounce or a complaint at all.
    """
    rows = _WORST[order].all(
        tx, first_hour=first_hour(now_ms, hours), least_sent=max(1, least_sent), limit=limit
    )
    return rows

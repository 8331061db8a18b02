"""Reads the counters (contract rows Z-29, C-46) and the index of the emails that went to an address."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Select, cast, func, select

from server.db.tables.stats import addressees, daily_counts
from server.db.tx import Tx
from server.stats.tally import DAY_MS, EMAILS, RECIPIENTS, TEST_EMAILS, TEST_RECIPIENTS

DEFAULT_DAYS = 30
MAX_DAYS = 90


class _CounterRow(NamedTuple):
    day: int
    unit: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Recipients by what happened to them, per day (oldest first) and in all; emails by their status."""

    daily: dict[str, Counter[str]]
    totals: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)

    def rate(self, part: str, whole: str) -> float:
        """The share of one total in another: 0 to 1, 0 if the whole is 0."""
        return min(1.0, self.totals[part] / self.totals[whole]) if self.totals[whole] > 0 else 0.0


def statistics(tx: Tx, org_id: str, days: int, now_ms: int, *, test: bool = False) -> Stats:
    """The statistics of the emails accepted in the `days` days up to and including today, UTC.

    Of live mail, or with `test` of test mail (C-58).
    """
    emails, recipients = (TEST_EMAILS, TEST_RECIPIENTS) if test else (EMAILS, RECIPIENTS)
    today = now_ms // DAY_MS
    names = {day: date_of(day) for day in range(today - days + 1, today + 1)}
    found = Stats({name: Counter() for name in names.values()})
    counters = daily_counts.c
    query = select(counters.day, counters.unit, counters.name, counters["count"].label("number")).where(
        counters.org_id == org_id, counters.day.between(today - days + 1, today)
    )
    for day, unit, name, number in tx.all(_CounterRow, query):
        if unit == recipients:
            found.daily[names[day]][name] += number
            found.totals[name] += number
        elif unit == emails and number:
            found.by_status[name] += number
    return found


def count_emails(tx: Tx, org_id: str, statuses: Sequence[str] = ()) -> int:
    """The number of all emails of an organisation with one of the statuses, or with any if none is given."""
    counters = daily_counts.c
    query = select(cast(func.sum(counters["count"]), BigInteger)).where(
        counters.org_id == org_id,
        counters.unit == EMAILS,
        *([counters.name.in_(statuses)] if statuses else []),
    )
    return tx.scalar(int, query) or 0


def emails_addressed(org_id: str, start: str) -> Select[str]:
    """Selects `email_id` of each recipient whose address begins with `start`, ignoring case."""
    first = start.lower().encode()
    return select(addressees.c.email_id).where(
        addressees.c.org_id == org_id, addressees.c.address >= first, addressees.c.address < first + b"\xff"
    )


def date_of(day: int) -> str:
    """The date of a day since 1970-01-01 UTC: `YYYY-MM-DD`."""
    return datetime.fromtimestamp(day * DAY_MS // 1000, UTC).date().isoformat()

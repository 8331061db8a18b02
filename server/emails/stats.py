"""The statistics of an organisation, added up from its daily counters (contract rows Z-29, C-46)."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import daily_counts
from server.emails.tally import DAY_MS, EMAILS, RECIPIENTS

DEFAULT_DAYS = 30
MAX_DAYS = 90


@dataclass(frozen=True, slots=True)
class Stats:
    """Recipients by what happened to them, per day (oldest first) and in all; emails by their status."""

    daily: dict[str, Counter[str]]
    totals: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)

    def rate(self, part: str, whole: str) -> float:
        """How much of one total another one is: 0 to 1, 0 if there is nothing."""
        return min(1.0, self.totals[part] / self.totals[whole]) if self.totals[whole] > 0 else 0.0


async def stats(connection: AsyncConnection, org_id: str, days: int, now_ms: int) -> Stats:
    """The statistics of the emails accepted in the `days` days up to and including today, UTC."""
    today = now_ms // DAY_MS
    names = {day: date_of(day) for day in range(today - days + 1, today + 1)}
    found = Stats({name: Counter() for name in names.values()})
    columns = (daily_counts.c.day, daily_counts.c.unit, daily_counts.c.name, daily_counts.c["count"])
    query = select(*columns).where(
        daily_counts.c.org_id == org_id, daily_counts.c.day.between(today - days + 1, today)
    )
    for day, unit, name, count in await connection.execute(query):
        if unit == RECIPIENTS:
            found.daily[names[day]][name] += count
            found.totals[name] += count
        elif unit == EMAILS and count:
            found.by_status[name] += count
    return found


def date_of(day: int) -> str:
    """The date of a day since 1970-01-01 UTC: `YYYY-MM-DD`."""
    return datetime.fromtimestamp(day * DAY_MS // 1000, UTC).date().isoformat()

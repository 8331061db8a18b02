"""The sweep that all kinds of data share, and why it deletes rows instead of dropping partitions.

**Partitions by time** would make deleting free, and cost more than they save here. Every key and unique
index begins with the organisation (DESIGN 9), and a partitioned table of PostgreSQL wants the partition's
column in each of them; each organisation may have its own number of days, so that a month is rarely due for
all of them at once; Citus would multiply shards by months; and SQLite has no partitions, so that there
would be two ways to keep data. So rows are deleted, a few at a time, from the beginning of an index range.

**VACUUM.** A steady state deletes as many rows a day as come. On PostgreSQL autovacuum makes their space
free for the next ones: the migration lets it run after 2 % of a large table has changed, instead of 20 %,
so that a table is never much larger than its data. On SQLite freed pages go to the free list, from which
the next rows are written: the file stays at its highest mark. `VACUUM` itself is never run by the server:
it holds the writer for as long as it copies the store, and needs its size again on the disk. An operator
who has shortened the days runs it once, with the server stopped.

Any number of servers may sweep at the same time: each looks for old rows in a reading transaction, and
deletes by key.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from server.clock import Clock
from server.db.database import Database
from server.db.statements import Statement
from server.db.tx import Tx
from server.db.writer import Writer
from server.retention.kinds import Bound, Found, Kind
from server.retention.policy import DAY_MS

# The organisations that one step looks at.
ORGANISATIONS = 100


class _Days(NamedTuple):
    org_id: str
    days: int | None


_NEXT = Statement(
    _Days,
    """
    SELECT o.org_id, r.days FROM organisations AS o
    LEFT JOIN retention_days AS r ON r.org_id = o.org_id AND r.kind = :kind
    WHERE o.org_id > :after ORDER BY o.org_id LIMIT :limit
    """,
)


class Sweep:
    """Deletes the old rows of one kind, organisation by organisation, a bounded number at a time."""

    def __init__(
        self,
        kind: Kind,
        platform: Mapping[str, int],
        database: Database,
        writer: Writer,
        clock: Clock,
        *,
        organisations: int = ORGANISATIONS,
    ) -> None:
        """`platform` holds the days of organisations without a number of their own, by kind."""
        self.name = kind.name
        self._kind = kind
        self._days = platform[kind.days]
        self._database = database
        self._writer = writer
        self._clock = clock
        self._organisations = organisations
        self._after = ""

    async def step(self) -> bool:
        """Deletes some; True if more may be left. Without old rows it never writes."""
        bounds, found = await self._database.read(self._look, self._after, self._clock.now_ms())
        if found:
            await self._writer.run(self._kind.delete, found)
            return True
        self._after = bounds[-1].org_id if len(bounds) == self._organisations else ""
        return bool(self._after)

    def _look(self, tx: Tx, after: str, now_ms: int) -> tuple[Sequence[Bound], Found]:
        rows = _NEXT.all(tx, kind=self._kind.days, after=after, limit=self._organisations)
        bounds = [
            Bound(row.org_id, now_ms - (self._days if row.days is None else row.days) * DAY_MS)
            for row in rows
        ]
        return bounds, self._kind.find(tx, bounds) if bounds else []

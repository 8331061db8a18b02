"""The log of events, which is ordered by places and not by ids.

Nothing is deleted that a reader of the log has still to read. Cursors of callers that point at deleted events
go on with the oldest event that is left.
"""

from collections.abc import Sequence
from typing import NamedTuple

from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.db.units import unit_of
from server.events.rows import Place
from server.retention.kinds import Bound, Found

# The most events of one organisation in one transaction.
LIMIT = 500


class _Oldest(NamedTuple):
    org_id: str
    created_at: int | None


class _Read(NamedTuple):
    unit: int
    stamp: int
    seq: int


# The places of all readers in each unit.
_READ = Statement(_Read, "SELECT unit, stamp, seq FROM log_readers")
_OLDEST = Statement(
    _Oldest,
    """
    SELECT k.org_id, (
        SELECT e.created_at FROM events AS e WHERE e.org_id = k.org_id ORDER BY e.stamp, e.seq LIMIT 1
    ) AS created_at
    FROM {keys} AS k
    """,
    keys={"org_id": "text"},
)
# The last of the first events of an organisation.
_LAST = Statement(
    Place,
    """
    SELECT stamp, seq FROM (
        SELECT stamp, seq, created_at FROM events WHERE org_id = :org_id
            AND (stamp, seq) <= (CAST(:read_stamp AS bigint), CAST(:read_seq AS bigint))
        ORDER BY stamp, seq LIMIT :limit
    ) AS first WHERE created_at < :before
    ORDER BY stamp DESC, seq DESC LIMIT 1
    """,
)
_DELETE = Change("""
    DELETE FROM events WHERE org_id = :org_id AND created_at < :before
        AND (stamp, seq) <= (CAST(:stamp AS bigint), CAST(:seq AS bigint))
""")


class Events:
    """Events that every reader has read."""

    name = days = "events"

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """See `Kind`: for each organisation the place up to which its events are too old, and the time."""
        read: dict[int, Place] = {}
        for row in _READ.all(tx):
            place = Place(row.stamp, row.seq)
            read[row.unit] = min(place, read.get(row.unit, place))
        if not read:
            return []
        oldest = {
            row.org_id: row.created_at for row in _OLDEST.all(tx, [(bound.org_id,) for bound in bounds])
        }
        found: list[tuple[str, ...]] = []
        for org_id, before in bounds:
            created_at = oldest.get(org_id)
            if created_at is None or created_at >= before:
                continue
            reached = read[unit_of(tx.engine, org_id)]
            bound = {"org_id": org_id, "before": before, "limit": LIMIT}
            last = _LAST.first(tx, None, **bound, read_stamp=reached.stamp, read_seq=reached.seq)
            if last is not None:
                found.append((org_id, str(last.stamp), str(last.seq), str(before)))
        return found

    def delete(self, tx: Tx, found: Found) -> None:
        """See `Kind`."""
        _DELETE.run(
            tx,
            [
                {"org_id": org_id, "stamp": int(stamp), "seq": int(seq), "before": int(before)}
                for org_id, stamp, seq, before in found
            ],
        )

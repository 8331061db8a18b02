"""The log of events, which is ordered by places and not by ids.

Nothing is deleted that a reader of the log has still to read, and never the newest event that all have read:
on SQLite the places are counted on from the newest one. Cursors of callers that point at deleted events go on
with the oldest event that is left.
"""

from collections.abc import Sequence
from typing import NamedTuple

from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.events.rows import Place
from server.retention.kinds import Bound, Found

# The most events of one organisation in one transaction.
LIMIT = 500


class _Oldest(NamedTuple):
    org_id: str
    created_at: int | None


_READERS = Statement(Place, "SELECT tx, seq FROM log_readers ORDER BY tx, seq LIMIT 1")
_OLDEST = Statement(
    _Oldest,
    """
    SELECT k.org_id, (
        SELECT e.created_at FROM events AS e WHERE e.org_id = k.org_id ORDER BY e.tx, e.seq LIMIT 1
    ) AS created_at
    FROM {keys} AS k
    """,
    keys={"org_id": "text"},
)
# The last of the first events of an organisation.
_LAST = Statement(
    Place,
    """
    SELECT tx, seq FROM (
        SELECT tx, seq, created_at FROM events WHERE org_id = :org_id
            AND (tx, seq) < (CAST(:read_tx AS bigint), CAST(:read_seq AS bigint))
        ORDER BY tx, seq LIMIT :limit
    ) AS first WHERE created_at < :before
    ORDER BY tx DESC, seq DESC LIMIT 1
    """,
)
_DELETE = Change("""
    DELETE FROM events WHERE org_id = :org_id AND created_at < :before
        AND (tx, seq) <= (CAST(:tx AS bigint), CAST(:seq AS bigint))
""")


class Events:
    """Events that every reader has read."""

    name = days = "events"

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """See `Kind`: for each organisation the place up to which its events are too old, and the time."""
        read = _READERS.first(tx)
        if read is None:
            return []
        oldest = {
            row.org_id: row.created_at for row in _OLDEST.all(tx, [(bound.org_id,) for bound in bounds])
        }
        found: list[tuple[str, ...]] = []
        for org_id, before in bounds:
            created_at = oldest.get(org_id)
            if created_at is None or created_at >= before:
                continue
            place = _LAST.first(
                tx, org_id=org_id, before=before, read_tx=read.tx, read_seq=read.seq, limit=LIMIT
            )
            if place is not None:
                found.append((org_id, str(place.tx), str(place.seq), str(before)))
        return found

    def delete(self, tx: Tx, found: Found) -> None:
        """See `Kind`."""
        _DELETE.run(
            tx,
            [
                {"org_id": org_id, "tx": int(last_tx), "seq": int(seq), "before": int(before)}
                for org_id, last_tx, seq, before in found
            ],
        )

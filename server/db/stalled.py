"""Ends what other processes of ours left in the database and the database itself does not end."""

import structlog

from server.db import bounds
from server.db.database import Database
from server.db.tx import Tx

# A transaction is ended this many seconds after its own process should have ended it.
_GRACE_S = 5.0
# PostgreSQL's own time-outs do not end them all. A COPY whose client stands still counts as active: it waits
# for the next row, and ours send all rows at once. And after statements that came in a pipeline, as psycopg
# sends those with many parameters, no time counts as idle.
_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
JOIN unnest(%(names)s::text[], %(idle)s::float[], %(whole)s::float[]) AS bound (name, idle, whole)
    ON bound.name = application_name
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND (
    clock_timestamp() - xact_start > make_interval(secs => bound.whole)
    OR state LIKE 'idle in transaction%%'
        AND clock_timestamp() - state_change > make_interval(secs => bound.idle)
    OR state = 'active' AND wait_event = 'ClientRead'
        AND clock_timestamp() - xact_start > make_interval(secs => bound.idle)
)
"""
_KINDS = (bounds.WRITING, bounds.READING)
_LIMITS = {
    "names": [kind.application for kind in _KINDS],
    "idle": [kind.idle_s for kind in _KINDS],
    "whole": [kind.transaction_s + _GRACE_S for kind in _KINDS],
}
_log = structlog.get_logger()


async def end_stalled(database: Database) -> None:
    """Ends sessions of servers and workers in this database whose transactions stand still.

    Whoever they belong to repeats them once it lives again. Does nothing on SQLite. Raises `StoreAway`.
    """
    if database.is_sqlite:
        return
    ended = await database.read(_end)
    if ended:
        _log.warning("ended transactions of processes that stand still", sessions=ended)


def _end(tx: Tx) -> int:
    _, [(count,)] = tx.rows_of_driver(_END, _LIMITS)
    assert isinstance(count, int)
    return count

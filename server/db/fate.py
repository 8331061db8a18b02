"""The fate of a transaction whose COMMIT had no answer (contract row C-94)."""

from typing import Any, Literal, NamedTuple, TypeAlias

from server.db.tx import Tx

Fate: TypeAlias = Literal["committed", "aborted"]

# Begins a transaction of a writer, and names it before anything can be lost: in one message, as its own round
# trip would cost more than the look-up is worth.
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_current_xact_id()::text"
# Numbers of transactions mean something only within one history. A standby that takes over and a restored
# backup begin another timeline. A crash may give the numbers of transactions that it lost to others, and it
# resets the statistics; whoever resets them by hand only makes a fate unknown.
_HISTORY = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN concat_ws(
    ' ',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT stats_reset FROM pg_stat_bgwriter)
) END, pg_backend_pid()
"""
_STATUS = "SELECT pg_xact_status(%(xid)s::xid8)"
# A backend that waits for its client has not seen the COMMIT: once it is gone, it never will.
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %(pid)s AND usename = current_user AND state LIKE 'idle in transaction%%'
    AND backend_xid = (%(xid)s::xid8)::xid
"""


class Origin(NamedTuple):
    """The history that a connection's transactions belong to, empty if it is not known, and the process
    that serves the connection."""

    history: str
    pid: int

    @classmethod
    def of(cls, driver: Any) -> "Origin":
        """The origin of the driver's connection. Raises the driver's errors."""
        history, pid = driver.execute(_HISTORY).fetchone()
        return cls(history or "", pid)


def look_up(tx: Tx, now: Origin, origin: Origin, name: str) -> Fate | None:
    """The fate of a transaction of a connection of this `origin`, as a fresh one of the origin `now` sees it;
    None while it is in progress.

    Raises `UnknownFate` if this database cannot know it, and DBAPIError.
    """
    if not origin.history or now.history != origin.history:
        raise UnknownFate
    _, [(status,)] = tx.rows_of_driver(_STATUS, {"xid": name})
    if status == "in progress":
        tx.rows_of_driver(_END, {"pid": origin.pid, "xid": name})
        return None
    if status not in ("committed", "aborted"):
        raise UnknownFate
    fate: Fate = status
    return fate


class UnknownFate(Exception):
    """The transaction belongs to a history that this database does not have."""

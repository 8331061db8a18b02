"""Outages: failures of the store itself, which say nothing about the statement that met them.

They are recognised in one place, so that every call, loop and command treats them alike: a call answers
UNAVAILABLE, a loop repeats its step, and nobody prints a traceback.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from server.faults import Unavailable

# Seconds after which a call may be repeated.
RETRY_AFTER_S = 1.0
_AWAY = f"The store cannot be used now. Repeat the call in {RETRY_AFTER_S:g} seconds."
_UNKNOWN = (
    "The connection to the store was lost while it stored this, and whether it is stored is not known. "
    "Repeat the call if it had an Idempotency-Key, with the same one; else look first whether it took effect."
)

# Classes of SQLSTATE: connections, resources (a full disk, too many connections), the operator's intervention
# (shutdown, crash, start), and the system around the database (I/O).
_CLASSES = ("08", "53", "57", "58")
# A standby, or a primary that an operator made read-only.
_READ_ONLY = "25006"
# A statement that took longer than it may.
_CANCELED = "57014"
# A lock that another transaction kept for longer than one waits.
_LOCKED = "55P03"
# The database ended the session, because its transaction stood still or took too long.
_STOOD_STILL = ("25P03", "25P04")
# Ends of a connection, by either side: the next one may lead to a new primary.
_LOST = ("08", "57P", _READ_ONLY, *_STOOD_STILL)
_SQLITE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


class StoreAway(Unavailable):
    """The store cannot be used now; nothing was written.

    `is_lost` is True if the connection is of no more use: it broke, or leads to a server that is stopping or
    is no primary any more. It is False if the store answers and has no room, or is too busy.
    `may_repeat` is True if the transaction was cut off and rolled back by what the next one may not meet.
    """

    def __init__(self, detail: str, *, is_lost: bool, may_repeat: bool = False, message: str = _AWAY) -> None:
        super().__init__(RETRY_AFTER_S, message)
        # For the log of the operator, not for callers.
        self.detail = detail
        self.is_lost = is_lost
        self.may_repeat = may_repeat


class CommitUnknown(StoreAway):
    """The connection was lost during a commit, and nobody can tell its outcome (contract row C-94): the
    transaction took effect as a whole, or not at all.

    It must not be repeated unseen. A caller with an idempotency key may repeat its call.
    """

    reason = "OUTCOME_UNKNOWN"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, is_lost=True, message=_UNKNOWN)


def outage_of(error: DBAPIError, *, read_only: bool = False, is_limited: bool = False) -> StoreAway | None:
    """The outage that an error of the driver stands for; None if the statement was at fault.

    On connections that are `read_only` a refused write is no outage but a mistake of the statement; in a
    transaction that `is_limited` a statement took longer than its caller allowed.
    """
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code; errors of the driver itself have none.
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code not in _SQLITE_CODES or (read_only and code == sqlite3.SQLITE_READONLY):
            return None
        return StoreAway(str(cause), is_lost=False)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        # The driver's own errors: it could not connect, or the connection broke.
        is_lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
        return StoreAway(_first_line(cause), is_lost=True, may_repeat=True) if is_lost else None
    if state == _CANCELED:
        return None if is_limited else StoreAway(_first_line(cause), is_lost=False, may_repeat=True)
    if state == _LOCKED:
        return StoreAway(_first_line(cause), is_lost=False, may_repeat=True)
    if state.startswith((*_CLASSES, *_LOST)):
        is_lost = state.startswith(_LOST)
        return StoreAway(_first_line(cause), is_lost=is_lost, may_repeat=is_lost and state != _READ_ONLY)
    return None


def is_cut_off(error: DBAPIError) -> bool:
    """True if a statement was ended because its time was over (`Tx.limited`)."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_INTERRUPT
    return getattr(cause, "sqlstate", None) == _CANCELED


def _first_line(cause: BaseException | None) -> str:
    return str(cause).partition("\n")[0]

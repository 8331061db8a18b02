"""Attempts to sign in, counted for each address, whether it has an account or not (Z-46).

An attempt is counted before its password is looked at, so that many at the same time are no way around.
"""

import hashlib
from typing import NamedTuple

from sqlalchemy import delete, select

from server.accounts.faults import TooManyAttempts
from server.accounts.rules import ATTEMPTS_FORGOTTEN_MS, pause_s
from server.db.statements import Change, Statement
from server.db.tables.accounts import login_attempts
from server.db.tx import Tx

_MAX_SWEPT = 1_000


class _Attempts(NamedTuple):
    attempts: int
    last_at: int


_COUNTED = Statement(
    _Attempts,
    """
    SELECT attempts, last_at FROM login_attempts WHERE email_hash = :email_hash
    {postgresql: FOR UPDATE}
    """,
)
_COUNT = Change(
    """
    INSERT INTO login_attempts (email_hash, attempts, last_at) VALUES (:email_hash, :attempts, :now)
    ON CONFLICT (email_hash) DO UPDATE SET
        attempts = CASE WHEN :attempts = 1 AND login_attempts.last_at > :forgotten
            THEN login_attempts.attempts + 1 ELSE excluded.attempts END,
        last_at = excluded.last_at
    """
)


def begin(tx: Tx, email: str, now_ms: int) -> None:
    """Counts an attempt for this address. Raises `TooManyAttempts` in a pause, and counts nothing then."""
    forgotten = now_ms - ATTEMPTS_FORGOTTEN_MS
    found = _COUNTED.first(tx, email_hash=_hash(email))
    attempts = found.attempts if found is not None and found.last_at > forgotten else 0
    if found is not None and (left_ms := found.last_at + pause_s(attempts) * 1000 - now_ms) > 0:
        raise TooManyAttempts(left_ms / 1000)
    row = {"email_hash": _hash(email), "attempts": attempts + 1, "now": now_ms, "forgotten": forgotten}
    _COUNT.run(tx, [row])


def forget(tx: Tx, email: str) -> None:
    """Forgets the attempts for an address, whose password was given."""
    tx.change(delete(login_attempts).where(login_attempts.c.email_hash == _hash(email)))


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some attempts that do not count any more; True if more may be left."""
    old = (
        select(login_attempts.c.email_hash)
        .where(login_attempts.c.last_at <= now_ms - ATTEMPTS_FORGOTTEN_MS)
        .limit(_MAX_SWEPT)
    )
    changed = tx.change(delete(login_attempts).where(login_attempts.c.email_hash.in_(old.scalar_subquery())))
    return changed == _MAX_SWEPT


def _hash(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()

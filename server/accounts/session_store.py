"""Sessions in the store."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from server.db.keys import KeyType
from server.db.statements import Statement
from server.db.tables.accounts import sessions
from server.db.tx import Tx
from server.permissions import RoleName

_MAX_SWEPT = 1_000


class SessionRow(NamedTuple):
    """A session; times are milliseconds since 1970 UTC."""

    org_id: str
    id: str
    user_id: str
    created_at: int
    expires_at: int
    second_factor: bool
    operator_id: str | None
    operator_name: str | None
    most_role: RoleName | None


class LiveSession(NamedTuple):
    """A session that has not ended, with the role and the address of its user.

    `most_role` bounds the role if an operator opened it. `is_operator` is true if the user is an operator,
    and `lacks_second_factor` if the user has a second factor and the session was opened without.
    """

    org_id: str
    user_id: str
    id: str
    role: RoleName
    most_role: RoleName | None
    operator_id: str | None
    operator_name: str | None
    email: str
    is_operator: bool
    lacks_second_factor: bool


class NewOperatorSession(NamedTuple):
    """A session of a user that an operator opens: the operator, and the role that it has at most."""

    operator_id: str
    operator_name: str
    most_role: RoleName


_SESSION: dict[str, KeyType] = {"org_id": "text", "user_id": "text", "id": "text"}
# A session that an operator opened ends with the operator's right.
_LIVE_SESSIONS = Statement(
    LiveSession,
    """
    SELECT s.org_id, s.user_id, s.id, m.role, s.most_role, s.operator_id, s.operator_name, u.email,
        u.operator_since IS NOT NULL AND s.operator_id IS NULL AS is_operator,
        u.totp_since IS NOT NULL AND NOT s.second_factor AS lacks_second_factor
    FROM {keys} AS k CROSS JOIN sessions AS s
    JOIN members AS m ON m.org_id = s.org_id AND m.user_id = s.user_id
    JOIN users AS u ON u.id = s.user_id
    WHERE s.org_id = k.org_id AND s.id = k.id AND s.user_id = k.user_id AND s.expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM organisations AS o WHERE o.org_id = s.org_id AND o.closed_at IS NOT NULL)
    AND (
        s.operator_id IS NULL
        OR EXISTS (SELECT 1 FROM users AS w WHERE w.id = s.operator_id AND w.operator_since IS NOT NULL)
        OR EXISTS (SELECT 1 FROM operator_tokens AS t WHERE t.id = s.operator_id AND t.revoked_at IS NULL)
    )
    """,
    keys=_SESSION,
)


def add_session(
    tx: Tx,
    org_id: str,
    user_id: str,
    session_id: str,
    now_ms: int,
    expires_at: int,
    *,
    second_factor: bool = False,
    operator: NewOperatorSession | None = None,
) -> None:
    """Stores a new session of a user.

    It ends when its row is removed, when its user is no member any more, or at `expires_at`. `second_factor`
    is true if a code was given; `operator` is the one who opened it on the user's behalf.
    """
    tx.change(
        insert(sessions).values(
            org_id=org_id,
            id=session_id,
            user_id=user_id,
            created_at=now_ms,
            expires_at=expires_at,
            second_factor=second_factor,
            **({} if operator is None else operator._asdict()),
        )
    )


def live_sessions(
    tx: Tx, keys: Iterable[tuple[str, str, str]], now_ms: int
) -> dict[tuple[str, str, str], LiveSession]:
    """The ones among the sessions (organisation, user, session) that have not ended, by their keys."""
    rows = _LIVE_SESSIONS.all(tx, keys, now=now_ms)
    return {(row.org_id, row.user_id, row.id): row for row in rows}


def session(tx: Tx, org_id: str, session_id: str) -> SessionRow | None:
    """One session."""
    query = select(sessions).where(sessions.c.org_id == org_id, sessions.c.id == session_id)
    return tx.first(SessionRow, query)


def renew(tx: Tx, org_id: str, session_id: str, expires_at: int) -> bool:
    """Moves the end of a session; False if it has ended meanwhile."""
    this = (sessions.c.org_id == org_id, sessions.c.id == session_id)
    return tx.change(update(sessions).where(*this).values(expires_at=expires_at)) == 1


def note_second_factor(tx: Tx, org_id: str, session_id: str) -> None:
    """Notes that the user of a session has given a code of the second factor."""
    this = (sessions.c.org_id == org_id, sessions.c.id == session_id)
    tx.change(update(sessions).where(*this).values(second_factor=True))


def end(tx: Tx, org_id: str, session_id: str) -> bool:
    """Ends a session; False if it has ended before."""
    this = (sessions.c.org_id == org_id, sessions.c.id == session_id)
    return tx.change(delete(sessions).where(*this)) == 1


def end_all(tx: Tx, user_id: str, *, but: str = "") -> None:
    """Ends all sessions of a user, in every organisation, but the one with the id `but`."""
    tx.change(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id != but))


def end_all_in(tx: Tx, org_id: str) -> None:
    """Ends all sessions in an organisation."""
    tx.change(delete(sessions).where(sessions.c.org_id == org_id))


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some sessions after their end; True if more may be left."""
    ended = select(sessions.c.id).where(sessions.c.expires_at <= now_ms).limit(_MAX_SWEPT)
    return tx.change(delete(sessions).where(sessions.c.id.in_(ended.scalar_subquery()))) == _MAX_SWEPT

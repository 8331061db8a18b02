"""Organisations and users in the store."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import insert, select, update

from server.accounts.rules import Plan, Profile
from server.db.keys import KeyType
from server.db.statements import Statement
from server.db.tables.accounts import organisations, sessions, users
from server.db.tx import Tx


class OrganisationRow(NamedTuple):
    """An organisation; a limit that is None is its plan's, `created_at` is milliseconds since 1970 UTC."""

    org_id: str
    name: str
    plan: str
    profile: str
    sandbox: bool
    owner_email: str
    state: str
    daily_limit: int | None
    monthly_limit: int | None
    unique_limit: int | None
    burst_limit: int | None
    created_at: int
    contact_limit: int | None
    contact_import_limit: int | None
    contact_list_limit: int | None


class _SessionRow(NamedTuple):
    org_id: str
    user_id: str
    id: str


_SESSION: dict[str, KeyType] = {"org_id": "text", "user_id": "text", "id": "text"}
_LIVE_SESSIONS = Statement(
    _SessionRow,
    """
    SELECT s.org_id, s.user_id, s.id FROM {keys} AS k CROSS JOIN sessions AS s
    JOIN users AS u ON u.org_id = s.org_id AND u.id = s.user_id
    WHERE s.org_id = k.org_id AND s.id = k.id AND s.user_id = k.user_id AND s.expires_at > :now
    """,
    keys=_SESSION,
)


def add_organisation(
    tx: Tx,
    org_id: str,
    name: str,
    *,
    owner_email: str,
    plan: Plan,
    profile: Profile,
    sandbox: bool,
    now_ms: int,
) -> None:
    """Stores a new, healthy organisation."""
    tx.change(
        insert(organisations).values(
            org_id=org_id,
            name=name,
            plan=plan,
            profile=profile,
            sandbox=sandbox,
            owner_email=owner_email,
            state="healthy",
            created_at=now_ms,
        )
    )


def add_user(tx: Tx, org_id: str, user_id: str, email: str, password_hash: str, now_ms: int) -> None:
    """Stores a new user of an organisation."""
    tx.change(
        insert(users).values(
            org_id=org_id, id=user_id, email=email, password_hash=password_hash, created_at=now_ms
        )
    )


def add_session(tx: Tx, org_id: str, user_id: str, session_id: str, now_ms: int, expires_at: int) -> None:
    """Stores a new session of a user; it ends when its row or its user is removed, or at `expires_at`."""
    tx.change(
        insert(sessions).values(
            org_id=org_id, id=session_id, user_id=user_id, created_at=now_ms, expires_at=expires_at
        )
    )


def live_sessions(tx: Tx, keys: Iterable[tuple[str, str, str]], now_ms: int) -> set[tuple[str, str, str]]:
    """The ones among the sessions (organisation, user, session) that have not ended."""
    return set(_LIVE_SESSIONS.all(tx, keys, now=now_ms))


def change_organisation(tx: Tx, org_id: str, changes: Mapping[str, object]) -> OrganisationRow | None:
    """Changes the given columns of an organisation; its row after that, None if there is none."""
    this = organisations.c.org_id == org_id
    if changes:
        tx.change(update(organisations).where(this).values(changes))
    return tx.first(OrganisationRow, select(organisations).where(this))

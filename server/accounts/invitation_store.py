"""Invitations in the store."""

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.accounts.one_time_tokens import GivenToken
from server.db.listing import Page, PageRequest, newest_first
from server.db.tables.accounts import invitations, organisations
from server.db.tx import Tx
from server.permissions import RoleName

_MAX_SWEPT = 1_000


class InvitationRow(NamedTuple):
    """An invitation; times are milliseconds since 1970 UTC."""

    org_id: str
    id: str
    email: str
    role: RoleName
    invited_by: str
    created_at: int
    expires_at: int


class _Waiting(NamedTuple):
    org_id: str
    id: str
    email: str
    role: RoleName
    invited_by: str
    created_at: int
    expires_at: int
    token_hash: bytes


class Made(NamedTuple):
    """The number of invitations since a time, and when the first of them was made; None if none was."""

    number: int
    first_at: int | None


_SHOWN = tuple(invitations.c[name] for name in InvitationRow._fields)


def add(tx: Tx, row: InvitationRow, token_hash: bytes) -> None:
    """Stores a new invitation; earlier ones of its address to the organisation end."""
    same = (invitations.c.org_id == row.org_id, invitations.c.email == row.email)
    tx.change(update(invitations).where(*same).values(token_hash=None))
    tx.change(insert(invitations).values(**row._asdict(), token_hash=token_hash))


def made_since(tx: Tx, org_id: str, since_ms: int) -> Made:
    """The invitations that an organisation made since a time, also those that have ended."""
    query = select(func.count().label("number"), func.min(invitations.c.created_at).label("first_at")).where(
        invitations.c.org_id == org_id, invitations.c.created_at > since_ms
    )
    return tx.first(Made, query) or Made(0, None)


def page(tx: Tx, org_id: str, request: PageRequest, now_ms: int) -> Page[InvitationRow]:
    """A page of the invitations of an organisation that wait, newest first."""
    query = select(*_SHOWN).where(
        invitations.c.org_id == org_id,
        invitations.c.token_hash.is_not(None),
        invitations.c.expires_at > now_ms,
    )
    return newest_first(tx, InvitationRow, query, invitations.c.id, request)


def withdraw(tx: Tx, org_id: str, id: str, now_ms: int) -> bool:
    """Ends an invitation; False if there is none that waits."""
    changed = tx.change(
        update(invitations)
        .where(
            invitations.c.org_id == org_id,
            invitations.c.id == id,
            invitations.c.token_hash.is_not(None),
            invitations.c.expires_at > now_ms,
        )
        .values(token_hash=None)
    )
    return changed == 1


def take(tx: Tx, token: GivenToken, now_ms: int) -> InvitationRow | None:
    """Ends the invitation of this token, which works once; None if there is none that waits.

    Of any open organisation: the token tells which.
    """
    closed = select(organisations.c.org_id).where(
        organisations.c.org_id == invitations.c.org_id, organisations.c.closed_at.is_not(None)
    )
    query = select(*_SHOWN, invitations.c.token_hash).where(
        invitations.c.id == token.id,
        invitations.c.token_hash.is_not(None),
        invitations.c.expires_at > now_ms,
        ~closed.exists(),
    )
    found = tx.first(_Waiting, query.with_for_update())
    if found is None or not token.matches(found.token_hash):
        return None
    this = (invitations.c.org_id == found.org_id, invitations.c.id == found.id)
    tx.change(update(invitations).where(*this).values(token_hash=None))
    return InvitationRow(*found[:-1])


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some invitations after their time; True if more may be left."""
    old = select(invitations.c.id).where(invitations.c.expires_at <= now_ms).limit(_MAX_SWEPT)
    return tx.change(delete(invitations).where(invitations.c.id.in_(old.scalar_subquery()))) == _MAX_SWEPT

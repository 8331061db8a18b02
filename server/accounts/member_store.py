"""Members of organisations in the store."""

from typing import NamedTuple

from sqlalchemy import delete, select, update

from server.db.listing import Page, PageRequest, newest_first
from server.db.tables.accounts import members, organisations, sessions, users
from server.db.tx import Tx
from server.permissions import RoleName


class MemberRow(NamedTuple):
    """A member; `id` is the user's, `created_at` when the user joined (milliseconds since 1970 UTC)."""

    id: str
    email: str
    name: str
    role: RoleName
    created_at: int


_MEMBERS = select(users.c.id, users.c.email, users.c.name, members.c.role, members.c.created_at).join(
    members, members.c.user_id == users.c.id
)


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[MemberRow]:
    """A page of an organisation's members, those with the newest accounts first."""
    query = _MEMBERS.where(members.c.org_id == org_id)
    return newest_first(tx, MemberRow, query, members.c.user_id, request)


def member(tx: Tx, org_id: str, user_id: str) -> MemberRow | None:
    """One member."""
    return tx.first(MemberRow, _MEMBERS.where(members.c.org_id == org_id, members.c.user_id == user_id))


def is_member(tx: Tx, org_id: str, email: str) -> bool:
    """True if the address, which is in lower case, belongs to a member."""
    return tx.first(MemberRow, _MEMBERS.where(members.c.org_id == org_id, users.c.email == email)) is not None


def lock_owners(tx: Tx, org_id: str) -> list[str]:
    """The ids of an organisation's owners, which no other transaction changes until this one ends."""
    query = (
        select(members.c.user_id)
        .where(members.c.org_id == org_id, members.c.role == "owner")
        .order_by(members.c.user_id)
    )
    return tx.scalars(str, query.with_for_update())


def owner_addresses(tx: Tx, org_id: str) -> list[str]:
    """The addresses of an organisation's owners."""
    query = _MEMBERS.where(members.c.org_id == org_id, members.c.role == "owner")
    return [row.email for row in tx.all(MemberRow, query)]


def set_role(tx: Tx, org_id: str, user_id: str, role: RoleName) -> None:
    """Changes what a member may do."""
    this = (members.c.org_id == org_id, members.c.user_id == user_id)
    tx.change(update(members).where(*this).values(role=role))
    _keep_owner_address(tx, org_id)


def remove(tx: Tx, org_id: str, user_id: str) -> None:
    """Takes a member out, and ends the user's sessions in the organisation."""
    for table in (members, sessions):
        tx.change(delete(table).where(table.c.org_id == org_id, table.c.user_id == user_id))
    _keep_owner_address(tx, org_id)


def _keep_owner_address(tx: Tx, org_id: str) -> None:
    """Lets the organisation's address be one of an owner; if it is not, that of the owner who joined first.

    In the sandbox mail may go to it alone (C-70).
    """
    owner = (
        select(users.c.email)
        .join(members, members.c.user_id == users.c.id)
        .where(members.c.org_id == org_id, members.c.role == "owner")
    )
    first = owner.order_by(members.c.created_at, members.c.user_id).limit(1).scalar_subquery()
    this = (organisations.c.org_id == org_id, organisations.c.owner_email.not_in(owner.scalar_subquery()))
    tx.change(update(organisations).where(*this, first.is_not(None)).values(owner_email=first))

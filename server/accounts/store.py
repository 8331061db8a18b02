"""Organisations, users and members in the store."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import and_, func, insert, select, update

from server.accounts.rules import Plan, Profile
from server.db.statements import Change, Statement
from server.db.tables.accounts import members, organisations, users
from server.db.tx import Tx
from server.permissions import RoleName


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
    state_since: int | None
    state_reasons: str
    state_note: str
    webhook_limit: int | None
    key_limit: int | None
    domain_limit: int | None
    scheduled_limit: int | None
    scheduled_bytes_limit: int | None
    test_limit: int | None
    contact_limit: int | None
    contact_import_limit: int | None
    contact_list_limit: int | None
    closed_at: int | None


class PlanRow(NamedTuple):
    """An organisation and its plan, as finished messages need them; `attachment_bytes` is for one email."""

    smtp: bool
    attachment_bytes: int
    sandbox: bool


class UserRow(NamedTuple):
    """A user; times are milliseconds since 1970 UTC.

    `totp_secret` is sealed, and counts if `totp_since` is set. An operator has `operator_since`.
    """

    id: str
    email: str
    name: str
    password_hash: str
    created_at: int
    totp_secret: bytes | None = None
    totp_since: int | None = None
    totp_step: int | None = None
    operator_since: int | None = None


class MembershipRow(NamedTuple):
    """An organisation that a user belongs to; `created_at` is when the user joined it."""

    org_id: str
    name: str
    role: RoleName
    created_at: int
    is_banned: bool


# The key of its erasures stays in the store: rows are shown to operators.
ORGANISATION_COLUMNS = tuple(organisations.c[name] for name in OrganisationRow._fields)
_PLAN = Statement(
    PlanRow,
    """
    SELECT p.smtp, p.attachment_bytes, o.sandbox FROM organisations AS o JOIN plans AS p ON p.plan = o.plan
    WHERE o.org_id = :org_id
    """,
)
_ADD_USER = Change(
    """
    INSERT INTO users (id, email, name, password_hash, created_at)
    VALUES (:id, :email, :name, :password_hash, :now) ON CONFLICT (email) DO NOTHING
    """
)


class _Secrets(NamedTuple):
    password_hash: str
    totp_secret: bytes | None
    totp_since: int | None


class _Owned(NamedTuple):
    email: str
    owned: int


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


def add_user(tx: Tx, user_id: str, email: str, password_hash: str, now_ms: int, name: str = "") -> bool:
    """Stores a new user, whose address is in lower case; False if another user has it."""
    row = {"id": user_id, "email": email, "name": name, "password_hash": password_hash, "now": now_ms}
    return _ADD_USER.run(tx, [row]) == 1


def add_member(tx: Tx, org_id: str, user_id: str, role: RoleName, now_ms: int) -> None:
    """Makes a user a member of an organisation."""
    tx.change(insert(members).values(org_id=org_id, user_id=user_id, role=role, created_at=now_ms))


def user_of(tx: Tx, email: str) -> UserRow | None:
    """The user with this address, which is in lower case."""
    return tx.first(UserRow, select(users).where(users.c.email == email))


def user(tx: Tx, user_id: str) -> UserRow | None:
    """The user with this id."""
    return tx.first(UserRow, select(users).where(users.c.id == user_id))


def owned_counts(tx: Tx, emails: Iterable[str]) -> dict[str, int]:
    """The number of open organisations that the user of each of these addresses owns; only those known."""
    owned = and_(members.c.user_id == users.c.id, members.c.role == "owner")
    is_open = and_(organisations.c.org_id == members.c.org_id, organisations.c.closed_at.is_(None))
    query = (
        select(users.c.email, func.count(organisations.c.org_id).label("owned"))
        .join(members, owned, isouter=True)
        .join(organisations, is_open, isouter=True)
        .where(users.c.email.in_(list(emails)))
        .group_by(users.c.email)
    )
    return {row.email: row.owned for row in tx.all(_Owned, query)}


def is_unchanged(tx: Tx, user: UserRow) -> bool:
    """True if the user's password and second factor are as `user` has them; so they stay until `tx` ends.

    A password is verified outside of the transaction that relies on it.
    """
    columns = (users.c.password_hash, users.c.totp_secret, users.c.totp_since)
    query = select(*columns).where(users.c.id == user.id).with_for_update(key_share=True)
    return tx.first(_Secrets, query) == (user.password_hash, user.totp_secret, user.totp_since)


def set_password(tx: Tx, user_id: str, password_hash: str) -> None:
    """Stores the new hash of a user's password."""
    tx.change(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def memberships(tx: Tx, user_id: str) -> list[MembershipRow]:
    """The organisations of a user that are open, in the order of joining."""
    query = (
        select(
            members.c.org_id,
            organisations.c.name,
            members.c.role,
            members.c.created_at,
            (organisations.c.state == "banned").label("is_banned"),
        )
        .join(organisations, organisations.c.org_id == members.c.org_id)
        .where(members.c.user_id == user_id, organisations.c.closed_at.is_(None))
        .order_by(members.c.created_at, members.c.org_id)
    )
    return tx.all(MembershipRow, query)


def plan_of(tx: Tx, org_id: str) -> PlanRow | None:
    """The plan of an organisation; None if there is no such organisation."""
    return _PLAN.first(tx, org_id=org_id)


def organisation(tx: Tx, org_id: str) -> OrganisationRow | None:
    """One organisation, which no other transaction that asks here changes until this one ends."""
    query = select(*ORGANISATION_COLUMNS).where(organisations.c.org_id == org_id)
    return tx.first(OrganisationRow, query.with_for_update())


def change_organisation(tx: Tx, org_id: str, changes: Mapping[str, object]) -> OrganisationRow | None:
    """Changes the given columns of an organisation; its row after that, None if there is none."""
    this = organisations.c.org_id == org_id
    if changes:
        tx.change(update(organisations).where(this).values(changes))
    return tx.first(OrganisationRow, select(*ORGANISATION_COLUMNS).where(this))

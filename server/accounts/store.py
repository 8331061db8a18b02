"""Organisations and users in the store."""

from sqlalchemy import insert

from server.accounts.rules import Plan, Profile
from server.db.tables.accounts import organisations, users
from server.db.tx import Tx


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

"""Logins at the OpenID Connect provider in the store, and the users by their ids there."""

import hashlib
import hmac
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from server.accounts.one_time_tokens import GivenToken
from server.db.statements import Change
from server.db.tables.accounts import oidc_identities, oidc_logins
from server.db.tx import Tx

_MAX_SWEPT = 1_000


class LoginRow(NamedTuple):
    """A login that waits; `expires_at` is ms since 1970 UTC, `secrets` and `identity` are sealed."""

    id: str
    state_hash: bytes
    binding_hash: bytes
    secrets: bytes
    code_hash: bytes | None
    identity: bytes | None
    expires_at: int


class IdentityRow(NamedTuple):
    """A person at a provider who is a user here; times are ms since 1970 UTC."""

    issuer: str
    subject: str
    user_id: str
    created_at: int
    deactivated_at: int | None

    @property
    def id(self) -> str:
        """The id by which the user names it: made of those of the provider and of the person there."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()[:24]


_IDENTITIES = select(*(oidc_identities.c[name] for name in IdentityRow._fields))
_LINK = Change(
    """
    INSERT INTO oidc_identities (issuer, subject, user_id, created_at)
    VALUES (:issuer, :subject, :user_id, :now) ON CONFLICT (issuer, subject) DO NOTHING
    """
)


def add(tx: Tx, login: LoginRow) -> None:
    """Stores a new login."""
    tx.change(insert(oidc_logins).values(login._asdict()))


def claim(tx: Tx, state: GivenToken, binding_hash: bytes, code_hash: bytes, now_ms: int) -> LoginRow | None:
    """The login of this state and browser, to be finished with this code; None if it cannot be.

    The first code is the only one. It comes again when the identity is known for it, with the code of a
    second factor.
    """
    query = select(oidc_logins).where(oidc_logins.c.id == state.id, oidc_logins.c.expires_at > now_ms)
    found = tx.first(LoginRow, query.with_for_update())
    if found is None or not state.matches(found.state_hash):
        return None
    if not hmac.compare_digest(found.binding_hash, binding_hash):
        return None
    if found.code_hash is not None:
        is_again = found.identity is not None and hmac.compare_digest(found.code_hash, code_hash)
        return found if is_again else None
    tx.change(update(oidc_logins).where(oidc_logins.c.id == state.id).values(code_hash=code_hash))
    return found


def keep_identity(tx: Tx, login_id: str, identity: bytes) -> None:
    """Stores whom the provider named for the code of a login."""
    tx.change(update(oidc_logins).where(oidc_logins.c.id == login_id).values(identity=identity))


def end(tx: Tx, login_id: str) -> bool:
    """Removes a login, which works once; False if another call did that."""
    return tx.change(delete(oidc_logins).where(oidc_logins.c.id == login_id)) == 1


def identity(tx: Tx, issuer: str, subject: str) -> IdentityRow | None:
    """The identity with this id at a provider."""
    this = (oidc_identities.c.issuer == issuer, oidc_identities.c.subject == subject)
    return tx.first(IdentityRow, _IDENTITIES.where(*this))


def identities(tx: Tx, user_id: str) -> list[IdentityRow]:
    """The identities of a user, in the order of their first login."""
    order = (oidc_identities.c.created_at, oidc_identities.c.issuer, oidc_identities.c.subject)
    return tx.all(IdentityRow, _IDENTITIES.where(oidc_identities.c.user_id == user_id).order_by(*order))


def set_deactivated(tx: Tx, identity: IdentityRow, at_ms: int | None) -> None:
    """Ends the logins by an identity, or allows them again with None."""
    this = (oidc_identities.c.issuer == identity.issuer, oidc_identities.c.subject == identity.subject)
    tx.change(update(oidc_identities).where(*this).values(deactivated_at=at_ms))


def link(tx: Tx, issuer: str, subject: str, user_id: str, now_ms: int) -> bool:
    """Lets the person with this id at a provider sign in as the user; False if the id is linked already."""
    row = {"issuer": issuer, "subject": subject, "user_id": user_id, "now": now_ms}
    return _LINK.run(tx, [row]) == 1


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some logins after their time; True if more may be left."""
    old = select(oidc_logins.c.id).where(oidc_logins.c.expires_at <= now_ms).limit(_MAX_SWEPT)
    changed = tx.change(delete(oidc_logins).where(oidc_logins.c.id.in_(old.scalar_subquery())))
    return changed == _MAX_SWEPT

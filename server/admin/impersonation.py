"""Sessions that operators open in an organisation on behalf of a member (contract row F-14).

Such a session is marked in its row and in its token, reads unless a role is given, lasts half an hour and is
not renewed, and ends with the operator's right. What is about the person's own account or gives lasting
access is refused by the access rules (`in_person`).
"""

from typing import NamedTuple

from server.accounts import member_store, operator_log, session_store
from server.accounts.faults import MemberNotFound
from server.accounts.member_store import MemberRow
from server.accounts.operator_log import Act
from server.accounts.session_store import NewOperatorSession
from server.accounts.session_tokens import SessionTokens
from server.accounts.store import organisation
from server.admin.acts import By
from server.admin.faults import OrganisationNotFound
from server.db.tx import Tx
from server.faults import ValidationFailed, Violation
from server.ids import new_id
from server.permissions import RoleName
from server.wire.access import ROLES

LASTS_MS = 30 * 60_000
_RANKS = list(ROLES)


class Impersonation(NamedTuple):
    """A session on behalf of a member; `expires_at` is milliseconds since 1970 UTC."""

    token: str
    session_id: str
    expires_at: int
    user_id: str
    role: RoleName


def member_of(tx: Tx, org_id: str, user_id: str) -> MemberRow:
    """A member of an organisation that is open. Raises `OrganisationNotFound`, `MemberNotFound`."""
    found = organisation(tx, org_id)
    if found is None or found.closed_at is not None:
        raise OrganisationNotFound(org_id)
    member = member_store.member(tx, org_id, user_id)
    if member is None:
        raise MemberNotFound(user_id)
    return member


def impersonate(
    tx: Tx, tokens: SessionTokens, org_id: str, user_id: str, role: RoleName, by: By
) -> Impersonation:
    """A new session of a member with this role.

    Raises `OrganisationNotFound`, `MemberNotFound`, and `ValidationFailed` for a role that the member has
    not, and for that of an owner.
    """
    member = member_of(tx, org_id, user_id)
    if role == "owner" or _RANKS.index(role) > _RANKS.index(member.role):
        raise ValidationFailed(
            [Violation("role", f"must be at most that of the member, which is {member.role}, and not owner")]
        )
    session_id = new_id()
    token = tokens.issue(org_id, user_id, session_id, until_ms=by.now_ms + LASTS_MS, operator_id=by.actor.id)
    expires_at = tokens.read(token).expires_at_ms
    operator = NewOperatorSession(by.actor.id, by.actor.name, role)
    session_store.add_session(tx, org_id, user_id, session_id, by.now_ms, expires_at, operator=operator)
    act = Act(method=by.method, org_id=org_id, target_id=user_id, reason=by.reason)
    changes = {"role": (None, role), "session": (None, session_id)}
    operator_log.record_shown(tx, by.actor, act, by.now_ms, changes, shown_name=by.actor.name)
    return Impersonation(token, session_id, expires_at, user_id, role)

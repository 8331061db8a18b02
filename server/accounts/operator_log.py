"""The log of operators in the store: what they changed, and whose data they looked at (contract row F-14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from sqlalchemy import insert, select

from server.accounts import audit_store
from server.accounts.audit_store import NewEntry
from server.db.listing import Page, PageRequest, newest_first
from server.db.tables.operators import operator_entries
from server.db.tx import Tx
from server.ids import new_id
from server.wire.caller import CredentialKind

# The name of operators in the audit logs of organisations, where it is not part of the matter.
SHOWN_NAME = "operator"

# For each setting that was changed, its value before and after.
Changes = Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class Actor:
    """An operator at work: `session` of a user, `operator` for a token, or `internal` for the command line.

    `id` is that of the user or of the token, `address` the client's; both are empty for the command line.
    """

    kind: CredentialKind
    id: str
    name: str
    address: str = ""


class OperatorEntryRow(NamedTuple):
    """An entry; `changes` is a JSON object, `at` is milliseconds since 1970 UTC."""

    id: str
    at: int
    method: str
    org_id: str | None
    target_id: str
    actor: CredentialKind
    actor_id: str
    actor_name: str
    address: str
    reason: str
    changes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that an operator does; `org_id` is None if it is about no organisation."""

    method: str
    org_id: str | None
    target_id: str = ""
    reason: str = ""


def record(tx: Tx, actor: Actor, act: Act, now_ms: int, changes: Changes | None = None) -> None:
    """Appends an entry."""
    tx.change(
        insert(operator_entries).values(
            id=new_id(),
            at=now_ms,
            method=act.method,
            org_id=act.org_id,
            target_id=act.target_id,
            actor=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            address=actor.address,
            reason=act.reason,
            changes=orjson.dumps(changes or {}).decode(),
        )
    )


def record_shown(
    tx: Tx,
    actor: Actor,
    act: Act,
    now_ms: int,
    changes: Changes | None = None,
    *,
    shown_name: str = SHOWN_NAME,
) -> None:
    """Appends an entry, and one to the audit log of the organisation, without the client's address."""
    record(tx, actor, act, now_ms, changes)
    assert act.org_id is not None
    audit_store.add(
        tx,
        NewEntry(
            act.org_id,
            new_id(),
            now_ms,
            act.method,
            act.target_id,
            "operator",
            actor.id,
            "",
            actor_name=shown_name,
            reason=act.reason,
        ),
    )


def page(tx: Tx, org_id: str | None, request: PageRequest) -> Page[OperatorEntryRow]:
    """A page of the entries, newest first: of all organisations, or of one."""
    query = select(operator_entries)
    if org_id is not None:
        query = query.where(operator_entries.c.org_id == org_id)
    return newest_first(tx, OperatorEntryRow, query, operator_entries.c.id, request)

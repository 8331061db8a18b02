"""The audit log of organisations in the store: who changed what, and when."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, insert, select

from server.db.listing import Page, PageRequest, newest_first
from server.db.tables.accounts import audit_entries, members, users
from server.db.tables.keys import api_keys
from server.db.tx import Tx
from server.ids import new_id
from server.wire.caller import CredentialKind


class NewEntry(NamedTuple):
    """An entry; `target_id` is empty for none, `at` is milliseconds since 1970 UTC."""

    org_id: str
    id: str
    at: int
    method: str
    target_id: str
    actor: CredentialKind
    actor_id: str
    address: str
    actor_name: str = ""
    reason: str = ""


class EntryRow(NamedTuple):
    """An entry with the name of its actor: a user's address or a key's name, None if it is gone."""

    id: str
    at: int
    method: str
    target_id: str
    actor: CredentialKind
    actor_id: str
    address: str
    actor_name: str
    reason: str
    user_email: str | None
    key_name: str | None


def add(tx: Tx, entry: NewEntry) -> None:
    """Appends an entry."""
    tx.change(insert(audit_entries).values(entry._asdict()))


def add_for_user(tx: Tx, entry: NewEntry) -> None:
    """Appends an entry about the account of its actor to the log of each organisation of that user."""
    joined = tx.scalars(str, select(members.c.org_id).where(members.c.user_id == entry.actor_id))
    add_all(tx, [entry._replace(org_id=org_id, id=new_id()) for org_id in joined])


def add_all(tx: Tx, entries: Sequence[NewEntry]) -> None:
    """Appends entries."""
    if entries:
        tx.change(insert(audit_entries), [entry._asdict() for entry in entries])


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[EntryRow]:
    """A page of an organisation's entries, newest first."""
    columns = [audit_entries.c[name] for name in EntryRow._fields[:-2]]
    key = and_(api_keys.c.org_id == audit_entries.c.org_id, api_keys.c.id == audit_entries.c.actor_id)
    query = (
        select(*columns, users.c.email.label("user_email"), api_keys.c.name.label("key_name"))
        .join(users, users.c.id == audit_entries.c.actor_id, isouter=True)
        .join(api_keys, key, isouter=True)
        .where(audit_entries.c.org_id == org_id)
    )
    return newest_first(tx, EntryRow, query, audit_entries.c.id, request)

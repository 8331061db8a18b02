"""Contacts in the store. Addresses are stored as `Mailbox.key`: bare, in lower case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, or_, select, update

from server.contacts import counts, happenings, lists
from server.contacts.contact import ContactRow
from server.contacts.faults import ContactLimitReached, ContactNotFound
from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import BulkInsert
from server.db.tables.contacts import contact_list_members, contacts
from server.db.tx import Tx
from server.ids import is_id, new_id

_ID = (contacts.c.org_id, contacts.c.id)
_EMAIL = (contacts.c.org_id, contacts.c.email)


class _Named(NamedTuple):
    id: str
    email: str


@dataclass(frozen=True, slots=True)
class Changes:
    """New values of a contact; None for one that stays as it is."""

    first_name: str | None = None
    last_name: str | None = None
    unsubscribed: bool | None = None

    def values(self) -> dict[str, object]:
        """The columns that change."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria for contacts of an organisation; None for no criterion."""

    search: str | None = None
    list_id: str | None = None
    unsubscribed: bool | None = None


_SHOWN = tuple(contacts.c[name] for name in ContactRow._fields)
_INSERT = BulkInsert(contacts)


def create(
    tx: Tx, org_id: str, email: str, changes: Changes, list_ids: Sequence[str], now_ms: int
) -> ContactRow:
    """The contact with an address, which is new or takes the names of `changes`, as a member of lists.

    A contact that exists becomes unsubscribed, but is never subscribed again. The log has its event, and
    none if nothing has changed. Raises `ContactLimitReached`, `ContactListNotFound`.
    """
    used = counts.lock(tx, org_id).contacts
    lists.check(tx, org_id, list_ids)
    known = row = get(tx, org_id, email)
    if row is None:
        limit = counts.limits_of(tx, org_id).contacts
        if limit is not None and used >= limit:
            raise ContactLimitReached(used, limit)
        row = ContactRow(
            new_id(),
            email,
            changes.first_name or "",
            changes.last_name or "",
            bool(changes.unsubscribed),
            now_ms,
        )
        insert(tx, org_id, [row])
    else:
        kept = Changes(changes.first_name, changes.last_name, changes.unsubscribed or None)
        row = _change(tx, org_id, row, kept)
    joined = lists.join(tx, org_id, [(list_id, row.id) for list_id in dict.fromkeys(list_ids)])
    if known is None:
        happenings.append(tx, org_id, "created", [row], now_ms)
    elif joined or row != known:
        happenings.append(tx, org_id, "updated", [row], now_ms)
    return row


def insert(tx: Tx, org_id: str, rows: Sequence[ContactRow]) -> None:
    """Adds contacts, without events, to an organisation whose numbers this transaction has locked."""
    _INSERT.rows(tx, [{"org_id": org_id, **row._asdict()} for row in rows])
    counts.count(tx, org_id, contacts=len(rows))


def get(tx: Tx, org_id: str, id_or_email: str, list_id: str | None = None) -> ContactRow | None:
    """One contact, by its id or its address; with `list_id` only as a member of that list."""
    column = contacts.c.id if is_id(id_or_email) else contacts.c.email
    query = select(*_SHOWN).where(contacts.c.org_id == org_id, column == id_or_email)
    if list_id is not None:
        query = query.where(_is_member(org_id, list_id))
    return tx.first(ContactRow, query)


def show(tx: Tx, org_id: str, id_or_email: str, list_id: str | None) -> ContactRow | None:
    """As `get`. Raises `ContactListNotFound`."""
    if list_id is not None:
        lists.check(tx, org_id, [list_id])
    return get(tx, org_id, id_or_email, list_id)


def change(
    tx: Tx, org_id: str, id_or_email: str, list_id: str | None, changes: Changes, now_ms: int
) -> ContactRow | None:
    """Changes a contact, with its event; None if there is none. Raises `ContactListNotFound`."""
    counts.lock(tx, org_id)
    row = show(tx, org_id, id_or_email, list_id)
    if row is None:
        return None
    changed = _change(tx, org_id, row, changes)
    if changed != row:
        happenings.append(tx, org_id, "updated", [changed], now_ms)
    return changed


def unsubscribe(tx: Tx, org_id: str, email: str, now_ms: int) -> bool:
    """Unsubscribes the contact with an address, with its event if it is not yet; False if there is none.

    It changes no number, and so it waits for no import.
    """
    this = (contacts.c.org_id == org_id, contacts.c.email == email)
    statement = update(contacts).where(*this, contacts.c.unsubscribed.is_(False)).values(unsubscribed=True)
    row = tx.first(ContactRow, statement.returning(*_SHOWN))
    if row is None:
        return get(tx, org_id, email) is not None
    happenings.append(tx, org_id, "updated", [row], now_ms)
    return True


def ids_of(tx: Tx, org_id: str, names: Iterable[str]) -> dict[str, str]:
    """The ids of the contacts that have these ids or addresses, by what names them."""
    ids: list[tuple[str, str]] = []
    emails: list[tuple[str, str]] = []
    for name in names:
        (ids if is_id(name) else emails).append((org_id, name))
    found: dict[str, str] = {}
    for columns, keys in ((_ID, ids), (_EMAIL, emails)):
        if keys:
            rows = tx.all(_Named, select(contacts.c.id, contacts.c.email).where(in_keys(tx, columns, keys)))
            found |= {(row.id if columns is _ID else row.email): row.id for row in rows}
    return found


def remove(tx: Tx, org_id: str, names: Iterable[str], now_ms: int, stand_in: str | None = None) -> list[str]:
    """Deletes contacts, by ids or addresses, with their memberships; returns the ids of those there were.

    With `stand_in` they are erased: their events have it instead of their addresses, and no names.
    """
    counts.lock(tx, org_id)
    ids = list(dict.fromkeys(ids_of(tx, org_id, names).values()))
    rows = _rows(tx, org_id, ids)
    if rows:
        list_ids = happenings.memberships(tx, org_id, ids)
        lists.leave_all(tx, org_id, ids)
        tx.change(delete(contacts).where(in_keys(tx, _ID, [(org_id, id) for id in ids])))
        counts.count(tx, org_id, contacts=-len(ids))
        if stand_in is not None:
            rows = [row._replace(email=stand_in, first_name="", last_name="") for row in rows]
        happenings.append(tx, org_id, "deleted", rows, now_ms, list_ids)
    return ids


def page(tx: Tx, org_id: str, criteria: Filter, request: PageRequest) -> Page[ContactRow]:
    """A page of contacts, newest first. Raises `ContactListNotFound`."""
    query = select(*_SHOWN).where(contacts.c.org_id == org_id)
    id: ColumnElement[str] = contacts.c.id
    if criteria.list_id is not None:
        lists.check(tx, org_id, [criteria.list_id])
        members = contact_list_members.c
        is_the_member = (members.org_id == contacts.c.org_id) & (members.contact_id == contacts.c.id)
        query = query.join(contact_list_members, is_the_member).where(
            members.org_id == org_id, members.list_id == criteria.list_id
        )
        # The order of the members' own index.
        id = members.contact_id
    if criteria.unsubscribed is not None:
        query = query.where(contacts.c.unsubscribed == criteria.unsubscribed)
    if criteria.search:
        whole = contacts.c.first_name + " " + contacts.c.last_name
        query = query.where(
            or_(
                contacts.c.email.contains(criteria.search.lower(), autoescape=True),
                whole.icontains(criteria.search, autoescape=True),
            )
        )
    return newest_first(tx, ContactRow, query, id, request)


def add_members(
    tx: Tx, org_id: str, list_id: str, names: Sequence[str], now_ms: int
) -> tuple[list[str], int]:
    """Makes contacts, by ids or addresses, members of a list; their ids, and how many were none before.

    Those have an event. Raises `ContactListNotFound`, and `ContactNotFound` for the first that is no contact.
    """
    counts.lock(tx, org_id)
    lists.check(tx, org_id, [list_id])
    found = ids_of(tx, org_id, names)
    ids = []
    for name in names:
        if name not in found:
            raise ContactNotFound(name)
        ids.append(found[name])
    return ids, join(tx, org_id, list_id, list(dict.fromkeys(ids)), now_ms)


def join(tx: Tx, org_id: str, list_id: str, ids: Sequence[str], now_ms: int) -> int:
    """Makes contacts with different ids members of a list, with events; the number of new members.

    The transaction has locked the organisation's numbers, and the list and the contacts exist.
    """
    joined = lists.join(tx, org_id, [(list_id, id) for id in ids])
    rows = _rows(tx, org_id, [contact_id for _, contact_id in joined])
    happenings.append(tx, org_id, "updated", rows, now_ms)
    return len(joined)


def remove_member(tx: Tx, org_id: str, list_id: str, id_or_email: str, now_ms: int) -> str | None:
    """Removes a member from a list, with an event; its id, None if it is no member.

    Raises `ContactListNotFound`.
    """
    counts.lock(tx, org_id)
    row = show(tx, org_id, id_or_email, list_id)
    if row is None:
        return None
    lists.leave(tx, org_id, list_id, row.id)
    happenings.append(tx, org_id, "updated", [row], now_ms)
    return row.id


def _rows(tx: Tx, org_id: str, ids: Sequence[str]) -> list[ContactRow]:
    """The contacts with these ids."""
    if not ids:
        return []
    return tx.all(ContactRow, select(*_SHOWN).where(in_keys(tx, _ID, [(org_id, id) for id in ids])))


def _change(tx: Tx, org_id: str, row: ContactRow, changes: Changes) -> ContactRow:
    values = changes.values()
    if not values:
        return row
    this = (contacts.c.org_id == org_id, contacts.c.id == row.id)
    changed = tx.first(ContactRow, update(contacts).where(*this).values(values).returning(*_SHOWN))
    assert changed is not None
    return changed


def _is_member(org_id: str, list_id: str) -> ColumnElement[bool]:
    members = contact_list_members.c
    return (
        select(members.contact_id)
        .where(members.org_id == org_id, members.list_id == list_id, members.contact_id == contacts.c.id)
        .exists()
    )

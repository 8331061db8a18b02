"""Lists of contacts in the store, and their members (contract row Z-49)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update

from server.contacts import counts
from server.contacts.faults import ContactListLimitReached, ContactListNotFound
from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import BulkInsert, Change
from server.db.tables.contacts import contact_list_members, contact_lists
from server.db.tx import Tx
from server.ids import new_id

_MEMBER = (contact_list_members.c.org_id, contact_list_members.c.list_id, contact_list_members.c.contact_id)
_OF_CONTACT = (contact_list_members.c.org_id, contact_list_members.c.contact_id)
_MAX_SWEPT = 1000


class ListRow(NamedTuple):
    """A list; `created_at` in milliseconds since 1970 UTC."""

    id: str
    name: str
    description: str
    member_count: int
    created_at: int


class _Member(NamedTuple):
    org_id: str
    list_id: str
    contact_id: str


class _Memberships(NamedTuple):
    list_id: str
    number: int


class _ListKey(NamedTuple):
    org_id: str
    id: str


_SHOWN = tuple(contact_lists.c[name] for name in ListRow._fields)
_INSERT_MEMBERS = BulkInsert(contact_list_members)
_COUNT = Change("""
    UPDATE contact_lists SET member_count = member_count + :number WHERE org_id = :org_id AND id = :list_id
""")


def create(tx: Tx, org_id: str, name: str, description: str, now_ms: int) -> ListRow:
    """A new list. Raises `ContactListLimitReached`."""
    used, limit = counts.lock(tx, org_id).lists, counts.limits_of(tx, org_id).lists
    if limit is not None and used >= limit:
        raise ContactListLimitReached(used, limit)
    row = ListRow(new_id(), name, description, 0, now_ms)
    tx.change(contact_lists.insert().values(org_id=org_id, **row._asdict()))
    counts.count(tx, org_id, lists=1)
    return row


def get(tx: Tx, org_id: str, id: str) -> ListRow | None:
    """One list."""
    return tx.first(ListRow, select(*_SHOWN).where(*_live(org_id), contact_lists.c.id == id))


def check(tx: Tx, org_id: str, ids: Sequence[str]) -> None:
    """Raises `ContactListNotFound` for the first that is no list of the organisation."""
    if not ids:
        return
    keys = [(org_id, id) for id in ids]
    columns = (contact_lists.c.org_id, contact_lists.c.id)
    query = select(contact_lists.c.id).where(in_keys(tx, columns, keys), *_live(org_id))
    found = set(tx.scalars(str, query))
    for id in ids:
        if id not in found:
            raise ContactListNotFound(id)


def change(tx: Tx, org_id: str, id: str, values: Mapping[str, object]) -> ListRow | None:
    """Changes the name or the description of a list; None if there is no such list."""
    counts.lock(tx, org_id)
    if values:
        tx.change(update(contact_lists).where(*_live(org_id), contact_lists.c.id == id).values(values))
    return get(tx, org_id, id)


def remove(tx: Tx, org_id: str, id: str, now_ms: int) -> bool:
    """Deletes a list, whose members are removed by `sweep`; False if there is no such list."""
    counts.lock(tx, org_id)
    statement = update(contact_lists).where(*_live(org_id), contact_lists.c.id == id)
    if not tx.change(statement.values(deleted_at=now_ms)):
        return False
    counts.count(tx, org_id, lists=-1)
    return True


def page(
    tx: Tx, org_id: str, search: str | None, contact_id: str | None, request: PageRequest
) -> Page[ListRow]:
    """A page of lists, newest first: those with a text in their name, those that a contact is a member of."""
    query = select(*_SHOWN).where(*_live(org_id))
    if search:
        query = query.where(contact_lists.c.name.icontains(search, autoescape=True))
    if contact_id is not None:
        members = contact_list_members.c
        its = select(members.list_id).where(members.org_id == org_id, members.contact_id == contact_id)
        query = query.where(contact_lists.c.id.in_(its))
    return newest_first(tx, ListRow, query, contact_lists.c.id, request)


def join(tx: Tx, org_id: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Makes contacts members of lists, by pairs of ids of which none comes twice; the pairs that are new.

    The transaction has locked the organisation's numbers, and the lists and contacts exist.
    """
    if not pairs:
        return []
    keys = [(org_id, *pair) for pair in pairs]
    known = set(tx.all(_Member, select(*_MEMBER).where(in_keys(tx, _MEMBER, keys))))
    new = [key for key in keys if key not in known]
    _INSERT_MEMBERS.values(tx, _Member._fields, new)
    _count(tx, org_id, Counter(list_id for _, list_id, _ in new))
    return [(list_id, contact_id) for _, list_id, contact_id in new]


def leave(tx: Tx, org_id: str, list_id: str, contact_id: str) -> None:
    """Removes a member."""
    tx.change(delete(contact_list_members).where(in_keys(tx, _MEMBER, [(org_id, list_id, contact_id)])))
    _count(tx, org_id, {list_id: -1})


def leave_all(tx: Tx, org_id: str, contact_ids: Iterable[str]) -> None:
    """Removes contacts from all their lists."""
    theirs = in_keys(tx, _OF_CONTACT, [(org_id, id) for id in contact_ids])
    list_id = contact_list_members.c.list_id
    query = select(list_id, func.count().label("number")).where(theirs).group_by(list_id)
    memberships = tx.all(_Memberships, query)
    tx.change(delete(contact_list_members).where(theirs))
    _count(tx, org_id, {row.list_id: -row.number for row in memberships})


def sweep(tx: Tx) -> bool:
    """Removes some members of a deleted list, and its row after the last one; True if more may be left."""
    deleted = select(contact_lists.c.org_id, contact_lists.c.id).where(
        contact_lists.c.deleted_at.is_not(None)
    )
    found = tx.first(_ListKey, deleted.limit(1))
    if found is None:
        return False
    members = contact_list_members.c
    its = select(*_MEMBER).where(members.org_id == found.org_id, members.list_id == found.id)
    keys = tx.all(_Member, its.limit(_MAX_SWEPT))
    if keys:
        tx.change(delete(contact_list_members).where(in_keys(tx, _MEMBER, keys)))
    if len(keys) < _MAX_SWEPT:
        key = (contact_lists.c.org_id == found.org_id, contact_lists.c.id == found.id)
        tx.change(delete(contact_lists).where(*key))
    return True


def _count(tx: Tx, org_id: str, numbers: Mapping[str, int]) -> None:
    _COUNT.run(
        tx,
        [
            {"org_id": org_id, "list_id": list_id, "number": number}
            for list_id, number in sorted(numbers.items())
        ],
    )


def _live(org_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions of a list that was not deleted."""
    return contact_lists.c.org_id == org_id, contact_lists.c.deleted_at.is_(None)

"""Imports in the store (contract rows Z-52 to Z-54)."""

from collections.abc import Sequence
from typing import NamedTuple

from server.contacts import counts, happenings, lists, store
from server.contacts.contact import ContactRow
from server.contacts.counts import Counts
from server.contacts.import_rules import Entry
from server.db.tx import Tx
from server.ids import new_id


class Chunk(NamedTuple):
    """The outcome of some rows: contacts that were added or known, the list, the numbers before."""

    added: int
    known: int
    list_id: str | None
    before: Counts


def add(
    tx: Tx,
    org_id: str,
    list_id: str | None,
    new_list_name: str | None,
    entries: Sequence[Entry],
    now_ms: int,
) -> Chunk:
    """Adds the new contacts of entries with different addresses, the first of them up to the limit.

    They and the known ones become members of the list, or of a new one with a name. Those that are new, and
    new members, have an event each. Raises `ContactListNotFound`, `ContactListLimitReached`.
    """
    before = counts.lock(tx, org_id)
    if new_list_name is not None:
        list_id = lists.create(tx, org_id, new_list_name, "", now_ms).id
    elif list_id is not None:
        lists.check(tx, org_id, [list_id])
    known = store.ids_of(tx, org_id, [entry.email for entry in entries])
    new = [entry for entry in entries if entry.email not in known]
    limit = counts.limits_of(tx, org_id).contacts
    if limit is not None:
        new = new[: max(limit - before.contacts, 0)]
    rows = [ContactRow(new_id(), *entry, unsubscribed=False, created_at=now_ms) for entry in new]
    store.insert(tx, org_id, rows)
    if list_id is not None:
        lists.join(tx, org_id, [(list_id, row.id) for row in rows])
        store.join(tx, org_id, list_id, [*known.values()], now_ms)
    new_lists = {} if list_id is None else {row.id: [list_id] for row in rows}
    happenings.append(tx, org_id, "created", rows, now_ms, new_lists)
    return Chunk(len(rows), len(known), list_id, before)


def preview(tx: Tx, org_id: str, list_id: str | None, entries: Sequence[Entry]) -> tuple[int, Counts]:
    """The number of entries that are known, and the numbers of the organisation; no address comes twice.

    Raises `ContactListNotFound`.
    """
    if list_id is not None:
        lists.check(tx, org_id, [list_id])
    known = store.ids_of(tx, org_id, [entry.email for entry in entries])
    return len(known), counts.quota(tx, org_id)[1]

"""Events of contacts: what changes them is in the log of their organisation (contract row C-59)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import orjson
from sqlalchemy import select

from server.contacts.contact import ContactRow
from server.db.keys import in_keys
from server.db.tables.contacts import contact_list_members, contact_lists
from server.db.tx import Tx
from server.events import log
from server.events.log import Entry

Happening = Literal["created", "updated", "deleted"]


class _Membership(NamedTuple):
    contact_id: str
    list_id: str


def memberships(tx: Tx, org_id: str, contact_ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the lists of contacts, by the ids of the contacts; deleted lists are none."""
    found: dict[str, list[str]] = defaultdict(list)
    if contact_ids:
        members = contact_list_members.c
        keys = [(org_id, id) for id in contact_ids]
        query = (
            select(members.contact_id, members.list_id)
            .join(
                contact_lists,
                (contact_lists.c.org_id == members.org_id) & (contact_lists.c.id == members.list_id),
            )
            .where(
                in_keys(tx, (members.org_id, members.contact_id), keys),
                contact_lists.c.deleted_at.is_(None),
            )
            .order_by(members.list_id)
        )
        for row in tx.all(_Membership, query):
            found[row.contact_id].append(row.list_id)
    return found


def append(
    tx: Tx,
    org_id: str,
    happening: Happening,
    rows: Sequence[ContactRow],
    now_ms: int,
    list_ids: dict[str, list[str]] | None = None,
) -> None:
    """Appends an event for each contact, as it is afterwards, or was before it was deleted.

    `list_ids` are those of its lists by its id; without them they are read from the store.
    """
    if list_ids is None:
        list_ids = memberships(tx, org_id, [row.id for row in rows])
    log.append(
        tx,
        [
            Entry(
                org_id=org_id,
                email_id="",
                type=f"contact.{happening}",
                created_at=now_ms,
                recipient=row.email,
                details=_details(row, list_ids.get(row.id, [])),
            )
            for row in rows
        ],
    )


def _details(row: ContactRow, list_ids: Sequence[str]) -> str:
    return orjson.dumps({**row._asdict(), "contact_list_ids": list_ids}).decode()

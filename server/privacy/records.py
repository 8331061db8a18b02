"""Takes an address out of the records about changes: the audit log, and the reasons of sends to lists."""

from typing import NamedTuple

from sqlalchemy import func, select

from server.db.statements import Change, Statement
from server.db.tables.contacts import contact_list_sends
from server.db.tx import Tx
from server.privacy.rules import Erased


class _EntryRow(NamedTuple):
    id: str
    target_id: str


class _SendRow(NamedTuple):
    id: str
    message: str


_ENTRIES = Statement(
    _EntryRow,
    """
    SELECT id, target_id FROM audit_entries WHERE org_id = :org_id AND id > :after ORDER BY id LIMIT :limit
    """,
)
_SET_ENTRY = Change("UPDATE audit_entries SET target_id = :target_id WHERE org_id = :org_id AND id = :id")
_SET_MESSAGE = Change("UPDATE contact_list_sends SET message = :message WHERE org_id = :org_id AND id = :id")


def erase_records(tx: Tx, org_id: str, erased: Erased, after: str, limit: int) -> str:
    """Takes the address out of `limit` entries of the audit log; the id to go on after, empty at its end.

    With the last ones it takes the address out of the sends to lists, which are few.
    """
    entries = _ENTRIES.all(tx, org_id=org_id, after=after, limit=limit)
    _SET_ENTRY.run(
        tx,
        [
            {"org_id": org_id, "id": entry.id, "target_id": text}
            for entry in entries
            if (text := erased.mailbox_or_text(entry.target_id)) != entry.target_id
        ],
    )
    if len(entries) == limit:
        return entries[-1].id
    sends = contact_list_sends.c
    query = select(sends.id, sends.message).where(sends.org_id == org_id, func.length(sends.message) > 0)
    _SET_MESSAGE.run(
        tx,
        [
            {"org_id": org_id, "id": send.id, "message": text}
            for send in tx.all(_SendRow, query)
            if (text := erased.text(send.message)) != send.message
        ],
    )
    return ""

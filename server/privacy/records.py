"""Takes an address out of the records about changes: the audit log, and the reasons of sends to lists."""

from typing import NamedTuple

from sqlalchemy import func, select

from server.db.statements import Change, Statement
from server.db.tables.contacts import contact_list_sends
from server.db.tables.operators import operator_entries
from server.db.tx import Tx
from server.privacy.rules import Erased


class _EntryRow(NamedTuple):
    id: str
    target_id: str


class _OperatorsRow(NamedTuple):
    id: str
    target_id: str
    reason: str
    changes: str


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
_SET_OPERATORS_ENTRY = Change("""
    UPDATE operator_entries SET target_id = :target_id, reason = :reason, changes = :changes WHERE id = :id
""")
# A message that its send wrote meanwhile stays: nothing was sent to the address since its erasure began.
_SET_MESSAGE = Change("""
    UPDATE contact_list_sends SET message = :message
    WHERE org_id = :org_id AND id = :id AND message = :before
""")


def erase_records(tx: Tx, org_id: str, erased: Erased, after: str, limit: int) -> str:
    """Takes the address out of `limit` entries of the audit log; the id to go on after, empty at its end.

    With the last ones it takes the address out of the sends to lists and of what operators did for the
    organisation, which are few.
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
            {"org_id": org_id, "id": send.id, "message": text, "before": send.message}
            for send in tx.all(_SendRow, query)
            if (text := erased.text(send.message)) != send.message
        ],
    )
    _erase_operators_entries(tx, org_id, erased)
    return ""


def _erase_operators_entries(tx: Tx, org_id: str, erased: Erased) -> None:
    columns = [operator_entries.c[name] for name in _OperatorsRow._fields]
    changed = []
    for row in tx.all(_OperatorsRow, select(*columns).where(operator_entries.c.org_id == org_id)):
        new = _OperatorsRow(
            row.id,
            erased.mailbox_or_text(row.target_id),
            erased.text(row.reason),
            erased.json(row.changes.encode(), is_sole=False).decode(),
        )
        if new != row:
            changed.append(new._asdict())
    _SET_OPERATORS_ENTRY.run(tx, changed)

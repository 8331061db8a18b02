"""Sends to lists in the store (contract row Z-55)."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Update, case, func, insert, select, update

from server.contacts import counts, lists
from server.contacts.send_rules import Member, SendStatus, Step
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Change, Statement
from server.db.tables.contacts import contact_list_members, contact_list_sends, contacts
from server.db.tx import Tx
from server.work.jobs import Moved

# Sends that a server goes on with in turn.
_MAX_DUE = 16
_MAX_SWEPT = 100


class SendRow(NamedTuple):
    """A send; times are milliseconds since 1970 UTC, `due_at` is None after its end."""

    org_id: str
    id: str
    list_id: str
    user_id: str
    status: SendStatus
    template: bytes
    last_member: str
    cursor: str
    done: str
    member_count: int
    accepted_count: int
    unsubscribed_count: int
    suppressed_count: int
    failed_count: int
    reason: str
    message: str
    version: int
    due_at: int | None
    created_at: int
    completed_at: int | None


class Progress(NamedTuple):
    """The fields of a send that change."""

    org_id: str
    id: str
    status: SendStatus
    accepted_count: int
    unsubscribed_count: int
    suppressed_count: int
    failed_count: int
    reason: str
    message: str
    version: int
    due_at: int | None
    completed_at: int | None


class _Last(NamedTuple):
    id: str | None
    number: int


class _Known(NamedTuple):
    id: str
    request_hash: bytes


class _Key(NamedTuple):
    org_id: str
    id: str


_SENDS = contact_list_sends.c
_SHOWN = tuple(_SENDS[name] for name in SendRow._fields)
_DUE = Statement(
    SendRow,
    f"""
    SELECT {", ".join(SendRow._fields)} FROM contact_list_sends
    WHERE due_at <= :now ORDER BY due_at LIMIT {_MAX_DUE}
    """,
)
_PROGRESS = Statement(
    Progress,
    f"""
    SELECT {", ".join(Progress._fields)} FROM contact_list_sends WHERE (org_id, id) IN {{keys}}
    """,
    keys={"org_id": "text", "id": "text"},
)
_ADVANCE = Change("""
    UPDATE contact_list_sends SET
        status = :status, cursor = :cursor, done = :done, due_at = :due_at, completed_at = :completed_at,
        accepted_count = accepted_count + :accepted, unsubscribed_count = unsubscribed_count + :unsubscribed,
        suppressed_count = suppressed_count + :suppressed, failed_count = failed_count + :failed,
        reason = :reason, message = :message, version = version + 1
    WHERE org_id = :org_id AND id = :id AND version = :version
""")


def begin(
    tx: Tx,
    row: SendRow,
    idempotency_key: str | None,
    request_hash: bytes,
) -> tuple[str, bytes]:
    """Stores a new send to the members that its list has now; its id and the hash of its request.

    Those of an earlier send if that has the same key. Raises `ContactListNotFound`.
    """
    # Two calls with one key take turns.
    counts.lock(tx, row.org_id)
    if idempotency_key is not None:
        earlier = tx.first(
            _Known,
            select(_SENDS.id, _SENDS.request_hash).where(
                _SENDS.org_id == row.org_id, _SENDS.idempotency_key == idempotency_key
            ),
        )
        if earlier is not None:
            return earlier.id, earlier.request_hash
    lists.check(tx, row.org_id, [row.list_id])
    members = contact_list_members.c
    theirs = (members.org_id == row.org_id, members.list_id == row.list_id)
    last = tx.first(
        _Last,
        select(func.max(members.contact_id).label("id"), func.count().label("number")).where(*theirs),
    )
    assert last is not None
    new = row._replace(last_member=last.id or "", member_count=last.number)
    key = {"idempotency_key": idempotency_key, "request_hash": request_hash}
    tx.change(insert(contact_list_sends).values(**new._asdict(), **key))
    return row.id, request_hash


def get(tx: Tx, org_id: str, id: str) -> SendRow | None:
    """One send."""
    return tx.first(SendRow, select(*_SHOWN).where(_SENDS.org_id == org_id, _SENDS.id == id))


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[SendRow]:
    """A page of sends, newest first."""
    return newest_first(tx, SendRow, select(*_SHOWN).where(_SENDS.org_id == org_id), _SENDS.id, request)


def progress(tx: Tx, keys: Sequence[tuple[str, str]]) -> list[Progress]:
    """The progress of sends by their organisations and ids, in no order."""
    return _PROGRESS.all(tx, keys)


def due(tx: Tx, now_ms: int) -> list[SendRow]:
    """Some of the sends that go on now, those first that have waited longest."""
    return _DUE.all(tx, now=now_ms)


def next_members(tx: Tx, row: SendRow, number: int) -> list[Member] | None:
    """The next members of a send in the order of their ids, `number` at most; None if its list is gone.

    Those that were decided about while others before them waited are among them: `row.done` names them.
    """
    if lists.get(tx, row.org_id, row.list_id) is None:
        return None
    members = contact_list_members.c
    is_contact = (contacts.c.org_id == members.org_id) & (contacts.c.id == members.contact_id)
    query = (
        select(*(contacts.c[name] for name in Member._fields))
        .join(contact_list_members, is_contact)
        .where(
            members.org_id == row.org_id,
            members.list_id == row.list_id,
            members.contact_id > row.cursor,
            members.contact_id <= row.last_member,
        )
        .order_by(members.contact_id)
        .limit(number)
    )
    return tx.all(Member, query)


def advance(tx: Tx, row: SendRow, step: Step, now_ms: int) -> None:
    """Writes a step of a send. Raises `Moved` if the send has changed since `row` was read."""
    earlier: list[str] = [id for id in orjson.loads(row.done) if id > step.cursor]
    # A reason to wait is over.
    kept = ("", "") if row.status == "waiting" else (row.reason, row.message)
    reason, message = kept if step.refused is None else step.refused
    changed = _ADVANCE.run(
        tx,
        [
            {
                "org_id": row.org_id,
                "id": row.id,
                "version": row.version,
                "status": step.status,
                "cursor": step.cursor,
                "done": orjson.dumps(earlier + step.done).decode(),
                "due_at": step.due_at,
                "completed_at": now_ms if step.due_at is None else None,
                "accepted": step.accepted,
                "unsubscribed": step.unsubscribed,
                "suppressed": step.suppressed,
                "failed": step.failed,
                "reason": reason,
                "message": message,
            }
        ],
    )
    if changed != 1:
        raise Moved


def cancel(tx: Tx, org_id: str, id: str, now_ms: int) -> SendRow | None:
    """Ends a send if it has not ended; the send as it is then, None if there is none."""
    this = (_SENDS.org_id == org_id, _SENDS.id == id)
    return tx.first(SendRow, _canceling(now_ms).where(*this).returning(*_SHOWN))


def remove_list(tx: Tx, org_id: str, list_id: str, now_ms: int) -> bool:
    """Deletes a list, and ends its sends; False if there is no such list."""
    if not lists.remove(tx, org_id, list_id, now_ms):
        return False
    its = (_SENDS.org_id == org_id, _SENDS.list_id == list_id, _SENDS.due_at.is_not(None))
    tx.change(_canceling(now_ms).where(*its))
    return True


def _canceling(now_ms: int) -> Update:
    """Ends sends that have not ended. Whoever advances one of them at this moment finds another version."""
    return update(contact_list_sends).values(
        status=case((_SENDS.due_at.is_(None), _SENDS.status), else_="canceled"),
        completed_at=func.coalesce(_SENDS.completed_at, now_ms),
        due_at=None,
        version=_SENDS.version + 1,
    )

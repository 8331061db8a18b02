"""Takes an address out of the events of emails and contacts, and out of the webhook calls about them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select

from server.db.keys import in_keys
from server.db.statements import Change
from server.db.tables.events import events
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.tx import Tx
from server.privacy.rules import Erased


class _EventRow(NamedTuple):
    stamp: int
    seq: int
    id: str
    email_id: str
    recipient: str
    reply_text: str | None


class _ContactEventRow(NamedTuple):
    stamp: int
    seq: int
    id: str
    details: str


class _CallRow(NamedTuple):
    webhook_id: str
    event_id: str
    body: bytes


class _AttemptRow(NamedTuple):
    webhook_id: str
    id: str
    event_id: str
    detail: str
    response: bytes


_SET_EVENT = Change("""
    UPDATE events SET recipient = :recipient, reply_text = :reply_text
    WHERE org_id = :org_id AND stamp = :stamp AND seq = :seq
""")
_SET_CONTACT_EVENT = Change("""
    UPDATE events SET recipient = :recipient, details = :details
    WHERE org_id = :org_id AND stamp = :stamp AND seq = :seq
""")
_SET_CALL = Change("""
    UPDATE webhook_calls SET body = :body
    WHERE org_id = :org_id AND webhook_id = :webhook_id AND event_id = :event_id
""")
_SET_ATTEMPT = Change("""
    UPDATE webhook_attempts SET detail = :detail, response = :response
    WHERE org_id = :org_id AND webhook_id = :webhook_id AND id = :id
""")


def erase_events(
    tx: Tx, org_id: str, erased: Erased, keys: Collection[tuple[str, str]], sole: Collection[str]
) -> None:
    """Takes the address out of the events of emails, and of the calls about them.

    Calls about an email to the address alone, one of `sole`, lose its subject, headers and tags too.
    """
    columns = [events.c[name] for name in _EventRow._fields]
    condition = in_keys(tx, (events.c.org_id, events.c.email_id), keys)
    rows = tx.all(_EventRow, select(*columns).where(condition))
    changed = []
    for row in rows:
        recipient = erased.stand_in if row.recipient.lower() == erased.address else row.recipient
        reply = None if row.reply_text is None else erased.text(row.reply_text)
        if (recipient, reply) != (row.recipient, row.reply_text):
            place = {"org_id": org_id, "stamp": row.stamp, "seq": row.seq}
            changed.append({**place, "recipient": recipient, "reply_text": reply})
    _SET_EVENT.run(tx, changed)
    _erase_calls(tx, org_id, erased, {row.id: row.email_id in sole for row in rows})


def erase_contact_events(tx: Tx, org_id: str, erased: Erased, limit: int) -> bool:
    """Takes the address and its names out of `limit` events of contacts; True if more may be left."""
    columns = [events.c[name] for name in _ContactEventRow._fields]
    theirs = (events.c.org_id == org_id, events.c.email_id == "", events.c.recipient == erased.address)
    rows = tx.all(_ContactEventRow, select(*columns).where(*theirs).limit(limit))
    _SET_CONTACT_EVENT.run(
        tx,
        [
            {
                **{"org_id": org_id, "stamp": row.stamp, "seq": row.seq, "recipient": erased.stand_in},
                "details": erased.json(row.details.encode(), is_sole=True).decode(),
            }
            for row in rows
        ],
    )
    _erase_calls(tx, org_id, erased, {row.id: True for row in rows})
    return len(rows) == limit


def _erase_calls(tx: Tx, org_id: str, erased: Erased, is_sole: dict[str, bool]) -> None:
    """`is_sole` says of each event whether it is about the address alone."""
    webhook_ids: Sequence[str] = tx.scalars(str, select(webhooks.c.id).where(webhooks.c.org_id == org_id))
    keys = [(org_id, webhook_id, event_id) for webhook_id in webhook_ids for event_id in is_sole]
    if not keys:
        return
    of_call = (webhook_calls.c.org_id, webhook_calls.c.webhook_id, webhook_calls.c.event_id)
    columns = [webhook_calls.c[name] for name in _CallRow._fields]
    calls = []
    for call in tx.all(_CallRow, select(*columns).where(in_keys(tx, of_call, keys))):
        body = erased.json(call.body, is_sole=is_sole[call.event_id])
        if body != call.body:
            calls.append({"org_id": org_id, **call._replace(body=body)._asdict()})
    _SET_CALL.run(tx, calls)
    of_attempt = (webhook_attempts.c.org_id, webhook_attempts.c.webhook_id, webhook_attempts.c.event_id)
    columns = [webhook_attempts.c[name] for name in _AttemptRow._fields]
    attempts = []
    for attempt in tx.all(_AttemptRow, select(*columns).where(in_keys(tx, of_attempt, keys))):
        new = attempt._replace(detail=erased.text(attempt.detail), response=erased.content(attempt.response))
        if new != attempt:
            attempts.append({"org_id": org_id, **new._asdict()})
    _SET_ATTEMPT.run(tx, attempts)

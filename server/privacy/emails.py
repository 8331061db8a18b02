"""Takes an address out of emails: the mail to it alone loses its content, all other mail the address.

Counters stay: the rows of emails, recipients and events stay, with the address that stands in its place.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import ColumnElement, delete, select

from server.db.keys import in_keys
from server.db.statements import Change
from server.db.tables.emails import (
    attachment_parts,
    attachments,
    email_contents,
    email_tags,
    emails,
    recipients,
)
from server.db.tables.stats import addressees
from server.db.tx import Tx
from server.emails import transitions
from server.emails.hindrance import POLICY
from server.emails.lifecycle import Status
from server.emails.transitions import Reply, Transition
from server.events.statuses import OPEN
from server.privacy.erased_head import erased_head
from server.privacy.events import erase_events
from server.privacy.rules import Erased
from server.queue import store as queue

# (organisation, email)
EmailKey: TypeAlias = tuple[str, str]
_REPLY = Reply(status=POLICY, text="not sent: the recipient's data was erased on request")


class _RecipientRow(NamedTuple):
    email_id: str
    no: int
    address: str
    status: Status
    reply_text: str | None


class _EmailRow(NamedTuple):
    id: str
    subject: str
    to: str
    cc: str
    bcc: str
    reply_to: str
    tags: str


class _ContentRow(NamedTuple):
    email_id: str
    html: str | None
    text: str | None
    headers: str
    raw_head: bytes | None
    raw_size: int | None


class _FileRow(NamedTuple):
    email_id: str
    no: int
    filename: str


_SET_RECIPIENT = Change("""
    UPDATE recipients SET address = :address, reply_text = :reply_text
    WHERE org_id = :org_id AND email_id = :email_id AND no = :no
""")
_SET_EMAIL = Change("""
    UPDATE emails SET subject = :subject, "to" = :to, cc = :cc, bcc = :bcc, reply_to = :reply_to, tags = :tags
    WHERE org_id = :org_id AND id = :id
""")
_SET_CONTENT = Change("""
    UPDATE email_contents SET html = :html, text = :text, headers = :headers, raw_head = :raw_head,
        raw_size = :raw_size
    WHERE org_id = :org_id AND email_id = :email_id
""")
_SET_FILENAME = Change("""
    UPDATE attachments SET filename = :filename WHERE org_id = :org_id AND email_id = :email_id AND no = :no
""")
_ADD_ADDRESSEE = Change("""
    INSERT INTO addressees (org_id, address, email_id) VALUES (:org_id, :address, :email_id)
    ON CONFLICT DO NOTHING
""")


def erase_emails(
    tx: Tx, org_id: str, erased: Erased, email_ids: Sequence[str], now_ms: int, captured: Path
) -> None:
    """Takes the address out of emails, with their events and webhook calls; nothing more is sent to it.

    `captured` is the folder of captured mail. What was erased before stays as it is.
    """
    if not email_ids:
        return
    keys = [(org_id, id) for id in email_ids]
    rows = _recipients(tx, keys)
    own = [row for row in rows if row.address.lower() in (erased.address, erased.stand_in)]
    _cancel(tx, org_id, [row for row in own if row.status in OPEN], now_ms)
    transitions.lock(tx, keys)
    # Read again, as of the lock.
    rows = _recipients(tx, keys)
    own_addresses = (erased.address, erased.stand_in)
    sole = set(email_ids) - {row.email_id for row in rows if row.address.lower() not in own_addresses}
    _erase_recipients(tx, org_id, erased, rows)
    _erase_rows(tx, org_id, erased, keys, sole)
    _erase_contents(tx, org_id, erased, keys, sole)
    _erase_files(tx, org_id, erased, keys, sole)
    _erase_addressees(tx, org_id, erased, email_ids)
    erase_events(tx, org_id, erased, keys, sole)
    for id in email_ids:
        # A file of another recipient names the erased one too.
        for file in captured.glob(f"{id}.*.eml"):
            file.unlink(missing_ok=True)


def _recipients(tx: Tx, keys: Collection[EmailKey]) -> list[_RecipientRow]:
    columns = [recipients.c[name] for name in _RecipientRow._fields]
    return tx.all(_RecipientRow, select(*columns).where(_of(tx, recipients.c, keys)))


def _of(tx: Tx, columns: Any, keys: Iterable[EmailKey]) -> ColumnElement[bool]:
    return in_keys(tx, (columns.org_id, columns.email_id), keys)


def _cancel(tx: Tx, org_id: str, waiting: Sequence[_RecipientRow], now_ms: int) -> None:
    """Takes recipients out of the queue. Rows of the queue are locked before emails."""
    queue.remove(tx, [(org_id, row.email_id, row.no) for row in waiting])
    transitions.apply(
        tx,
        [Transition(org_id, row.email_id, row.no, "suppressed", reply=_REPLY) for row in waiting],
        now_ms,
    )


def _erase_recipients(tx: Tx, org_id: str, erased: Erased, rows: Sequence[_RecipientRow]) -> None:
    changed = []
    for row in rows:
        address = erased.stand_in if row.address.lower() == erased.address else row.address
        reply = None if row.reply_text is None else erased.text(row.reply_text)
        if (address, reply) != (row.address, row.reply_text):
            of = {"org_id": org_id, "email_id": row.email_id, "no": row.no}
            changed.append({**of, "address": address, "reply_text": reply})
    _SET_RECIPIENT.run(tx, changed)


def _erase_rows(
    tx: Tx, org_id: str, erased: Erased, keys: Collection[EmailKey], sole: Collection[str]
) -> None:
    columns = [emails.c[name] for name in _EmailRow._fields]
    rows = tx.all(_EmailRow, select(*columns).where(in_keys(tx, (emails.c.org_id, emails.c.id), keys)))
    changed = []
    for row in rows:
        is_sole = row.id in sole
        changed.append(
            {
                "org_id": org_id,
                "id": row.id,
                "subject": "" if is_sole else erased.text(row.subject),
                "to": erased.mailboxes(row.to),
                "cc": erased.mailboxes(row.cc),
                "bcc": erased.mailboxes(row.bcc),
                "reply_to": erased.mailboxes(row.reply_to),
                "tags": "[]" if is_sole else row.tags,
            }
        )
    _SET_EMAIL.run(tx, changed)
    if sole:
        alone = [(org_id, id) for id in sole]
        tagged = [
            (org_id, tag, row.id)
            for row in rows
            if row.id in sole
            for name, value in orjson.loads(row.tags)
            for tag in (name, f"{name}:{value}")
        ]
        if tagged:
            key = (email_tags.c.org_id, email_tags.c.tag, email_tags.c.email_id)
            tx.change(delete(email_tags).where(in_keys(tx, key, tagged)))
        for table in (attachment_parts, attachments):
            tx.change(delete(table).where(_of(tx, table.c, alone)))


def _erase_contents(
    tx: Tx, org_id: str, erased: Erased, keys: Collection[EmailKey], sole: Collection[str]
) -> None:
    columns = [email_contents.c[name] for name in _ContentRow._fields]
    changed = []
    for row in tx.all(_ContentRow, select(*columns).where(_of(tx, email_contents.c, keys))):
        new = _ContentRow(row.email_id, None, None, "{}", None, None)
        if row.email_id not in sole:
            new = row._replace(
                html=None if row.html is None else erased.text(row.html),
                text=None if row.text is None else erased.text(row.text),
                headers=erased.json(row.headers.encode(), is_sole=False).decode(),
                raw_head=None if row.raw_head is None else erased_head(row.raw_head, erased),
            )
        if new != row:
            changed.append({"org_id": org_id, **new._asdict()})
    _SET_CONTENT.run(tx, changed)


def _erase_files(
    tx: Tx, org_id: str, erased: Erased, keys: Collection[EmailKey], sole: Collection[str]
) -> None:
    columns = [attachments.c[name] for name in _FileRow._fields]
    rows = tx.all(_FileRow, select(*columns).where(_of(tx, attachments.c, keys)))
    _SET_FILENAME.run(
        tx,
        [
            {"org_id": org_id, "email_id": row.email_id, "no": row.no, "filename": name}
            for row in rows
            if row.email_id not in sole and (name := erased.text(row.filename)) != row.filename
        ],
    )


def _erase_addressees(tx: Tx, org_id: str, erased: Erased, email_ids: Sequence[str]) -> None:
    """The index of the search finds these emails by the stand-in."""
    tx.change(
        delete(addressees).where(
            addressees.c.org_id == org_id,
            addressees.c.address == erased.address.encode(),
            in_keys(tx, (addressees.c.org_id, addressees.c.email_id), [(org_id, id) for id in email_ids]),
        )
    )
    address = erased.stand_in.encode()
    _ADD_ADDRESSEE.run(
        tx, [{"org_id": org_id, "address": address, "email_id": id} for id in sorted(email_ids)]
    )

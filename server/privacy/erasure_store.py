"""Erasures in the store, and the look for the emails that they concern."""

import json
import secrets
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import delete, func, insert, select, update

from server.contacts import store as contact_store
from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Change, Statement
from server.db.tables.accounts import organisations
from server.db.tables.privacy import erasures
from server.db.tables.quotas import unique_recipients
from server.db.tables.suppressions import suppressions, unclear_bounces
from server.db.tx import Tx
from server.db.units import unit_of
from server.events import log
from server.events.rows import EventRow, Place
from server.privacy.faults import TooManyErasures
from server.privacy.rules import MAX_RUNNING
from server.stats import counting
from server.suppressions import store as suppression_store
from server.suppressions.rules import stand_in
from server.suppressions.store import NewSuppression, Origin
from server.webhooks import intake
from server.webhooks.subscriptions import of_organisations
from server.work.jobs import Moved

Phase: TypeAlias = Literal["emails", "settling", "waiting", "again", "records", "completed"]

# Erasures that a process goes on with in turn.
_MAX_DUE = 16
_MAX_SWEPT = 100
# The record of an erasure is the proof of it: kept as long as claims about it may come.
KEPT_MS = 3 * 366 * 86_400_000
_KEY_BYTES = 32


class ErasureRow(NamedTuple):
    """An erasure; `address` is sealed, None after its end. Times are milliseconds since 1970 UTC."""

    org_id: str
    id: str
    stand_in: str
    address: bytes | None
    user_id: str
    phase: Phase
    cursor: str
    mark_stamp: int
    mark_seq: int
    email_count: int
    version: int
    created_at: int
    stepped_at: int
    completed_at: int | None


class Step(NamedTuple):
    """The progress of an erasure by one step."""

    phase: Phase
    cursor: str = ""
    mark: Place = Place(0, 0)
    emails: int = 0


class _Key(NamedTuple):
    org_id: str
    id: str


class _EmailId(NamedTuple):
    id: str


class _Recipient(NamedTuple):
    email_id: str
    address: str


_SHOWN = tuple(erasures.c[name] for name in ErasureRow._fields)
_DUE = Statement(
    ErasureRow,
    f"""
    SELECT {", ".join(ErasureRow._fields)} FROM erasures
    WHERE completed_at IS NULL ORDER BY stepped_at LIMIT {_MAX_DUE}
    """,
)
_ADVANCE = Change("""
    UPDATE erasures SET phase = :phase, cursor = :cursor, mark_stamp = :mark_stamp, mark_seq = :mark_seq,
        email_count = email_count + :emails, version = version + 1, stepped_at = :now,
        completed_at = :completed_at, address = CASE WHEN :kept THEN address ELSE NULL END
    WHERE org_id = :org_id AND id = :id AND version = :version
""")

_EMAILS = Statement(
    _EmailId, "SELECT id FROM emails WHERE org_id = :org_id AND id > :after ORDER BY id LIMIT :limit"
)
_RECIPIENTS = Statement(
    _Recipient,
    """
    SELECT email_id, address FROM recipients
    WHERE org_id = :org_id AND email_id > :after AND email_id <= :last ORDER BY email_id
    """,
)


class _Time(NamedTuple):
    us: int


# The transactions of this store that began before a time.
_OLDER = Statement(
    _Time,
    """
    SELECT CAST(extract(epoch FROM xact_start) * 1000000 AS bigint) AS us FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND xact_start <= to_timestamp(CAST(:us AS bigint) / 1000000.0)
    LIMIT 1
    """,
)


def begin(tx: Tx, row: ErasureRow, address: str) -> ErasureRow:
    """Stores a new erasure, and lets nobody write to the address from now on; its row as it is then.

    The contact and the suppression with the address go, a suppression of its stand-in comes. An erasure of
    the same address that is in progress is returned instead. Raises `TooManyErasures`.
    """
    org_id, now_ms = row.org_id, row.created_at
    key = _key_of(tx, org_id)
    row = row._replace(stand_in=stand_in(key, address))
    running = (erasures.c.org_id == org_id, erasures.c.completed_at.is_(None))
    same = tx.first(ErasureRow, select(*_SHOWN).where(*running, erasures.c.stand_in == row.stand_in))
    if same is not None:
        return same
    if (tx.scalar(int, select(func.count()).select_from(erasures).where(*running)) or 0) >= MAX_RUNNING:
        raise TooManyErasures
    _suppress(tx, org_id, address, row.stand_in, now_ms)
    contact_store.remove(tx, org_id, [address], now_ms, row.stand_in)
    _rename_unique_recipients(tx, org_id, address, row.stand_in)
    tx.change(insert(erasures).values(row._asdict()))
    return row


def get(tx: Tx, org_id: str, id: str) -> ErasureRow | None:
    """One erasure."""
    query = select(*_SHOWN).where(erasures.c.org_id == org_id, erasures.c.id == id)
    return tx.first(ErasureRow, query)


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[ErasureRow]:
    """A page of erasures, newest first."""
    query = select(*_SHOWN).where(erasures.c.org_id == org_id)
    return newest_first(tx, ErasureRow, query, erasures.c.id, request)


def due(tx: Tx) -> list[ErasureRow]:
    """Some of the erasures in progress, those first that have waited longest."""
    return _DUE.all(tx)


def advance(tx: Tx, row: ErasureRow, step: Step, now_ms: int) -> None:
    """Writes a step of an erasure, and keeps other processes from it until the transaction ends.

    Raises `Moved` if it has changed since `row` was read.
    """
    values = {
        "org_id": row.org_id,
        "id": row.id,
        "version": row.version,
        "phase": step.phase,
        "cursor": step.cursor,
        "mark_stamp": step.mark.stamp,
        "mark_seq": step.mark.seq,
        "emails": step.emails,
        "now": now_ms,
        "kept": step.phase != "completed",
        "completed_at": now_ms if step.phase == "completed" else None,
    }
    if _ADVANCE.run(tx, [values]) != 1:
        raise Moved


def emails_to(
    tx: Tx, org_id: str, addresses: Collection[str], after: str, window: int, most: int
) -> tuple[list[str], str]:
    """The ids of emails after an id to one of the addresses, `most` of them, and the id to go on after.

    It looks at `window` emails, whatever became of them: the index of the search knows only those that were
    sent. The id to go on after is empty behind the last email.
    """
    emails = _EMAILS.all(tx, org_id=org_id, after=after, limit=window)
    if not emails:
        return [], ""
    last = emails[-1].id
    rows = _RECIPIENTS.all(tx, org_id=org_id, after=after, last=last)
    found = list(dict.fromkeys(row.email_id for row in rows if row.address.lower() in addresses))
    if len(found) > most:
        return found[:most], found[most - 1]
    return found, last


def have_ended(tx: Tx, us: int) -> bool:
    """True if no transaction runs any more that had begun at a time of PostgreSQL (`server.db.time`).

    On SQLite none runs beside the one that writes.
    """
    return tx.is_sqlite or not _OLDER.all(tx, us=us)


def have_passed(tx: Tx, org_id: str, place: Place) -> bool:
    """True if nothing will be made any more of the events up to a place in the organisation's log.

    The search's index is made of the whole log. The calls of webhooks are made of the events that their
    organisation's webhooks get: their reader stores its place only with calls, or after very many events.
    """
    unit = unit_of(tx.engine, org_id)
    counted, called = counting.READER.places(tx).get(unit), intake.READER.places(tx).get(unit)
    if counted is not None and _are_left(log.of_unit(tx, unit, counted, 1), place):
        return False
    return called is None or not any(
        _are_left(
            log.read(
                *(tx, org_id, max(called, Place(webhook.since_stamp, webhook.since_seq)), 1),
                types=json.loads(webhook.events),
            ),
            place,
        )
        for webhook in of_organisations(tx, [org_id])
    )


def _are_left(entries: Sequence[EventRow], place: Place) -> bool:
    return any(entry.place <= place for entry in entries)


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some records of erasures that are three years old; True if more may be left."""
    old = select(erasures.c.org_id, erasures.c.id).where(erasures.c.completed_at <= now_ms - KEPT_MS)
    keys = tx.all(_Key, old.limit(_MAX_SWEPT))
    if keys:
        tx.change(delete(erasures).where(in_keys(tx, (erasures.c.org_id, erasures.c.id), keys)))
    return len(keys) == _MAX_SWEPT


def _key_of(tx: Tx, org_id: str) -> bytes:
    """The organisation's key of stand-ins, which is made now if there is none; its row is locked."""
    this = organisations.c.org_id == org_id
    given = func.coalesce(organisations.c.erasure_key, secrets.token_bytes(_KEY_BYTES))
    changed = update(organisations).where(this).values(erasure_key=given)
    key = tx.scalar(bytes, changed.returning(organisations.c.erasure_key))
    assert key is not None
    return key


def _suppress(tx: Tx, org_id: str, address: str, instead: str, now_ms: int) -> None:
    """Suppresses the stand-in, for the reason for which the address was suppressed or for the request's."""
    known = suppression_store.remove(tx, org_id, [address], now_ms)
    origin: Origin = next((row.origin for row in known if row.origin == "complaint"), "unsubscribe")
    suppression_store.add(
        tx, [NewSuppression(org_id=org_id, address=instead, origin=origin, created_at=now_ms)]
    )
    for table in (suppressions, unclear_bounces):
        tx.change(delete(table).where(table.c.org_id == org_id, table.c.address == address))


def _rename_unique_recipients(tx: Tx, org_id: str, address: str, instead: str) -> None:
    """Keeps the number of different recipients of a month without the address."""
    of_both = (unique_recipients.c.org_id == org_id, unique_recipients.c.address.in_([address, instead]))
    months = set(tx.scalars(int, select(unique_recipients.c.month).where(*of_both)))
    tx.change(delete(unique_recipients).where(*of_both))
    if months:
        rows = [{"org_id": org_id, "address": instead, "month": month} for month in sorted(months)]
        tx.change(insert(unique_recipients), rows)

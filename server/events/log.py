"""The event log: appending entries, and reading them by cursor without ever skipping one.

The log is ordered within a unit (`server.db.units`), and so within an organisation: an entry's place is the
pair (stamp, seq). The stamp is the time, in microseconds since 1970, at which its transaction was about to
commit, or one more than the newest stamp of its unit if that is later; seq counts the entries of the
transaction. A transaction takes its stamps last of all, under the lock of the row of its unit in `log_heads`,
which it holds until it has committed. So places are given in the order of the commits, and a reader that has
read a place has read everything before it.

Nothing else is waited for: no transaction of others, no counter of the engine. A store that is restored, on
another machine or to an earlier time, goes on with places after all those that it ever gave, because the time
has gone on; cursors that callers kept stay good. Stores of earlier versions gave transaction ids (PostgreSQL)
or 0 (SQLite) for the stamp, which are before every time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from time import time_ns
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, false, func, literal, select, tuple_

from server.db.keys import KeyType
from server.db.reach import ALL, Reach
from server.db.statements import BulkInsert, Statement
from server.db.tables.emails import emails
from server.db.tables.events import events
from server.db.tx import Tx
from server.db.units import unit_of
from server.events.rows import BEGINNING, EventRow, Place
from server.ids import new_id


@dataclass(slots=True, kw_only=True)
class Entry:
    """A new entry: something that happened to an email, one of its recipients, a contact, or the account.

    `created_at` is in milliseconds since 1970. `recipient` is empty and `attempt` 0 where neither applies. An
    entry about no email has no `email_id`, and its facts in `details`, a JSON object; its `recipient` is the
    address of the contact. `counts_as` is its part in the health of the account, None for none.
    """

    org_id: str
    email_id: str
    type: str
    created_at: int
    recipient: str = ""
    attempt: int = 0
    reply_code: int | None = None
    reply_status: str | None = None
    reply_text: str | None = None
    remote_host: str | None = None
    possible_duplicate: bool = False
    counts_as: str | None = None
    details: str | None = None
    id: str = field(default_factory=new_id)


class _Head(NamedTuple):
    """The place of the newest entry of a unit."""

    unit: int
    stamp: int
    seq: int

    @property
    def place(self) -> Place:
        return Place(self.stamp, self.seq)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of one unit after the place `start`, in order; there is at least one."""

    unit: int
    start: Place
    entries: Sequence[EventRow]

    @property
    def to(self) -> Place:
        """The place of the last entry."""
        return self.entries[-1].place


_UNITS: Mapping[str, KeyType] = {"of_unit": "integer", "size": "integer"}
# Locks units, in one order everywhere, so that no two transactions wait for each other.
_LOCK = Statement(
    _Head,
    """
    SELECT unit, stamp, seq FROM log_heads WHERE unit IN (SELECT of_unit FROM {keys} AS k) ORDER BY unit
    {postgresql: FOR NO KEY UPDATE}
    """,
    keys=_UNITS,
)
# A stamp for each unit that a transaction writes to, with the number of its entries. PostgreSQL looks at its
# clock when it has the lock of the row.
_STAMP = Statement(
    _Head,
    """
    UPDATE log_heads SET seq = k.size, stamp = {sqlite: MAX(stamp + 1, :now_us)}
        {postgresql: GREATEST(stamp + 1, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))}
    FROM {keys} AS k WHERE unit = k.of_unit
    RETURNING unit, stamp, seq
    """,
    keys=_UNITS,
)
_HEADS = Statement(_Head, "SELECT unit, stamp, seq FROM log_heads ORDER BY unit")
_HEAD = Statement(_Head, "SELECT unit, stamp, seq FROM log_heads WHERE unit = :unit")
# The next entries of a unit after a place, in order. Casts of the two numbers would keep SQLite from using
# the last column of the index.
_AFTER = Statement(
    EventRow,
    """
    SELECT e.org_id, e.stamp, e.seq, e.id, e.email_id, e.type, e.recipient, e.attempt, e.reply_code,
        e.reply_status, e.reply_text, e.remote_host, e.possible_duplicate, e.created_at,
        COALESCE(m.test, FALSE) AS test, m.domain_id, e.counts_as, e.details
    FROM events AS e LEFT JOIN emails AS m ON m.org_id = e.org_id AND m.id = e.email_id
    WHERE e.unit = :unit AND (e.stamp, e.seq) > (:after_stamp, :after_seq)
    ORDER BY e.stamp, e.seq
    LIMIT :limit
    """,
)

# Entries, as far as their emails are still there with the mark of test mail.
_OF_EMAILS = {"test": func.coalesce(emails.c.test, false()).label("test"), "domain_id": emails.c.domain_id}
_ENTRIES = select(
    *(_OF_EMAILS[name] if name in _OF_EMAILS else events.c[name] for name in EventRow._fields)
).outerjoin(emails, and_(emails.c.org_id == events.c.org_id, emails.c.id == events.c.email_id))

_INSERT = BulkInsert(events)
_FIELDS = tuple(column.name for column in fields(Entry))
_COLUMNS = ("unit", "stamp", "seq", *_FIELDS)
_values = attrgetter(*_FIELDS)


def append(tx: Tx, entries: Sequence[Entry]) -> None:
    """Appends entries to the log when everything else of a write transaction is done."""
    tx.defer(_append, entries)


def _append(tx: Tx, entries: Sequence[Entry]) -> None:
    by_unit: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_unit[unit_of(tx.engine, entry.org_id)].append(entry)
    units = [(unit, len(of_unit)) for unit, of_unit in by_unit.items()]
    if len(units) > 1:
        _LOCK.all(tx, units)
    values = [
        (head.unit, head.stamp, seq, *_values(entry))
        for head in _STAMP.all(tx, units, **({"now_us": time_ns() // 1_000} if tx.is_sqlite else {}))
        for seq, entry in enumerate(by_unit[head.unit], start=1)
    ]
    _INSERT.values(tx, _COLUMNS, values)


def pages(tx: Tx, places: Mapping[int, Place], limit: int) -> list[Page]:
    """Up to `limit` entries of each unit after its place, of all organisations: for the platform's own
    readers.

    There is a page for each unit that has any; a unit without a place is read from its beginning.
    """
    found = []
    for head in _HEADS.all(tx):
        start = places.get(head.unit, BEGINNING)
        if start < head.place and (entries := of_unit(tx, head.unit, start, limit)):
            found.append(Page(head.unit, start, entries))
    return found


def of_unit(tx: Tx, unit: int, after: Place, limit: int) -> list[EventRow]:
    """Up to `limit` entries of a unit after a place, in order, of all organisations."""
    return _AFTER.all(tx, unit=unit, after_stamp=after.stamp, after_seq=after.seq, limit=limit)


def read(
    tx: Tx,
    org_id: str,
    after: Place,
    limit: int,
    *,
    email_id: str | None = None,
    types: Sequence[str] = (),
    reach: Reach = ALL,
) -> list[EventRow]:
    """Up to `limit` entries of an organisation after a place, in order, of mail that is within reach."""
    query = _ENTRIES.where(events.c.org_id == org_id, _is_after(after), *reach.conditions(org_id))
    if email_id is not None:
        query = query.where(events.c.email_id == email_id)
    if types:
        query = query.where(events.c.type.in_(types))
    return tx.all(EventRow, query.order_by(events.c.stamp, events.c.seq).limit(limit))


def end(tx: Tx, org_id: str) -> Place:
    """The place of the newest entry of an organisation's unit: a reader that starts here sees what
    follows."""
    head = _HEAD.first(tx, unit=unit_of(tx.engine, org_id))
    assert head is not None
    return head.place


def ends(tx: Tx) -> dict[int, Place]:
    """The place of the newest entry of each unit."""
    return {head.unit: head.place for head in _HEADS.all(tx)}


def of_email(tx: Tx, org_id: str, email_id: str) -> list[EventRow]:
    """The entries of one email, in order; those too that this transaction has appended."""
    tx.run_deferred()
    query = _ENTRIES.where(
        events.c.org_id == org_id,
        events.c.email_id == email_id,
        # Always true, but without it SQLite walks the organisation's whole log, which is in that order.
        _is_after(BEGINNING),
    )
    return tx.all(EventRow, query.order_by(events.c.stamp, events.c.seq))


def _is_after(place: Place) -> ColumnElement[bool]:
    return tuple_(events.c.stamp, events.c.seq) > tuple_(
        literal(place.stamp, BigInteger), literal(place.seq, BigInteger)
    )

"""The event log: appending entries, and reading them by cursor without ever skipping one.

An entry's place is the pair (tx, seq). On PostgreSQL both are given by the database as the row is
inserted: the id of the writing transaction and a number of a sequence. Transactions commit in another
order than they begin, so a reader stops short of the oldest one that still runs
(`pg_snapshot_xmin`): whatever commits later has a later place than everything that was read. On SQLite one
connection writes, so tx is 0 and seq, counted on by that connection, is the order of the commits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from itertools import count, repeat
from operator import attrgetter

from sqlalchemy import BigInteger, Text, and_, cast, false, func, literal, select, tuple_

from server.db.reach import ALL, Reach
from server.db.statements import BulkInsert, Statement
from server.db.tables.emails import emails
from server.db.tables.events import events
from server.db.tx import Tx
from server.events.rows import BEGINNING, BIGINT_MAX, EventRow, Place
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


# The place of the newest entry on SQLite.
_NEWEST = Statement(Place, "SELECT tx, seq FROM events WHERE tx = 0 ORDER BY seq DESC LIMIT 1")
# Places for `count` new entries on PostgreSQL.
_NEW_PLACES = Statement(
    Place,
    """
    SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS tx, nextval('events_seq') AS seq
    FROM generate_series(1, CAST(:count AS integer))
    """,
)
# The next entries of all organisations after a place, in order. Casts of the two numbers would keep SQLite
# from using the second column of the index.
_AFTER = Statement(
    EventRow,
    """
    SELECT e.org_id, e.tx, e.seq, e.id, e.email_id, e.type, e.recipient, e.attempt, e.reply_code,
        e.reply_status, e.reply_text, e.remote_host, e.possible_duplicate, e.created_at,
        COALESCE(m.test, FALSE) AS test, m.domain_id, e.counts_as, e.details
    FROM events AS e LEFT JOIN emails AS m ON m.org_id = e.org_id AND m.id = e.email_id
    WHERE (e.tx, e.seq) > (:after_tx, :after_seq)
        {postgresql: AND e.tx < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)}
    ORDER BY e.tx, e.seq
    LIMIT :limit
    """,
)
# The same bound for statements of SQLAlchemy Core.
_OLDEST_RUNNING = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)

# Entries, as far as their emails are still there with the mark of test mail.
_OF_EMAILS = {"test": func.coalesce(emails.c.test, false()).label("test"), "domain_id": emails.c.domain_id}
_ENTRIES = select(
    *(_OF_EMAILS[name] if name in _OF_EMAILS else events.c[name] for name in EventRow._fields)
).outerjoin(emails, and_(emails.c.org_id == events.c.org_id, emails.c.id == events.c.email_id))

_INSERT = BulkInsert(events)
_FIELDS = tuple(column.name for column in fields(Entry))
_COLUMNS = ("tx", "seq", *_FIELDS)
_values = attrgetter(*_FIELDS)


def append(tx: Tx, entries: Sequence[Entry]) -> None:
    """Appends entries to the log within a write transaction."""
    if not entries:
        return
    places: Iterable[tuple[int, int]]
    if tx.is_sqlite:
        newest = _NEWEST.first(tx)
        places = zip(repeat(0), count(newest.seq + 1 if newest else 1))
    else:
        places = _NEW_PLACES.all(tx, count=len(entries))
    values = [(*place, *_values(entry)) for place, entry in zip(places, entries, strict=False)]
    _INSERT.values(tx, _COLUMNS, values)


def read(
    tx: Tx,
    after: Place,
    limit: int,
    *,
    org_id: str | None = None,
    email_id: str | None = None,
    types: Sequence[str] = (),
    reach: Reach = ALL,
) -> list[EventRow]:
    """Up to `limit` entries after a place, in the order of the log, of mail that is within reach.

    Without `org_id` it reads across organisations, whatever the reach: for the platform's own readers only.
    """
    if org_id is None and email_id is None and not types:
        return _AFTER.all(tx, after_tx=after.tx, after_seq=after.seq, limit=limit)
    place = tuple_(literal(after.tx, BigInteger), literal(after.seq, BigInteger))
    query = _ENTRIES.where(tuple_(events.c.tx, events.c.seq) > place)
    if not tx.is_sqlite:
        query = query.where(events.c.tx < _OLDEST_RUNNING)
    if org_id is not None:
        query = query.where(events.c.org_id == org_id, *reach.conditions(org_id))
    if email_id is not None:
        query = query.where(events.c.email_id == email_id)
    if types:
        query = query.where(events.c.type.in_(types))
    return tx.all(EventRow, query.order_by(events.c.tx, events.c.seq).limit(limit))


def end(tx: Tx) -> Place:
    """The place after everything that `read` can see now: a reader that starts here sees what follows."""
    if tx.is_sqlite:
        return _NEWEST.first(tx) or BEGINNING
    oldest_running = tx.scalar(int, select(_OLDEST_RUNNING))
    assert oldest_running is not None
    return Place(oldest_running - 1, BIGINT_MAX)


def of_email(tx: Tx, org_id: str, email_id: str) -> list[EventRow]:
    """The entries of one email, in the order of the log."""
    query = _ENTRIES.where(
        events.c.org_id == org_id,
        events.c.email_id == email_id,
        # Always true, but without it SQLite walks the organisation's whole log, which is in that order.
        tuple_(events.c.tx, events.c.seq) > tuple_(literal(BEGINNING.tx), literal(BEGINNING.seq)),
    )
    return tx.all(EventRow, query.order_by(events.c.tx, events.c.seq))

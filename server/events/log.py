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
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.prepared import Prepared, Rows
from server.db.schema import events
from server.ids import new_id

Entries: TypeAlias = Sequence[Any]
_BIGINT_MAX = 2**63 - 1
_EVENTS = Rows(events)
_LAST_SEQ = select(events.c.seq).where(events.c.tx == 0).order_by(events.c.seq.desc()).limit(1)
# Where the log ends on SQLite; and on PostgreSQL, the places of so many new entries.
_LAST = Prepared(lambda _: _LAST_SEQ)
_PLACES = Prepared(
    lambda _: select(
        text("pg_current_xact_id()::text::bigint AS tx"), text("nextval('events_seq') AS seq")
    ).select_from(func.generate_series(1, bindparam("count", type_=Integer)))
)
_OLDEST_RUNNING: ColumnElement[int] = text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")  # type: ignore[assignment]


def _behind(dialect: str) -> Select[Any]:
    """What stands behind a place and can be read, in order."""
    after = tuple_(bindparam("tx", type_=BigInteger), bindparam("seq", type_=BigInteger))
    query = select(events).where(tuple_(events.c.tx, events.c.seq) > after)
    if dialect == "postgresql":
        query = query.where(events.c.tx < _OLDEST_RUNNING)
    return query.order_by(events.c.tx, events.c.seq).limit(bindparam("most", type_=Integer))


_BEHIND = Prepared(_behind)


class Place(NamedTuple):
    """Where an entry stands in the log; a reader that handled it resumes behind it."""

    tx: int
    seq: int

    def cursor(self) -> str:
        """The place as callers see it: opaque to them."""
        return f"{self.tx:x}-{self.seq:x}"

    @classmethod
    def of_cursor(cls, cursor: str) -> "Place":
        """The place that a cursor stands for; the empty one is the beginning.

        Raises ValueError if it is no cursor.
        """
        if not cursor:
            return BEGINNING
        tx, separator, seq = cursor.partition("-")
        place = cls(int(tx, 16), int(seq, 16))
        if not separator or place.cursor() != cursor or max(place) > _BIGINT_MAX:
            raise ValueError(f"not a cursor: {cursor!r}")
        return place


BEGINNING = Place(0, 0)


@dataclass(slots=True, kw_only=True)
class Entry:
    """What is appended: something that happened to an email or to one recipient of it."""

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
    id: str = field(default_factory=new_id)


_FIELDS = tuple(column.name for column in fields(Entry))
_COLUMNS = ("tx", "seq", *_FIELDS)
_values = attrgetter(*_FIELDS)


async def append(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Appends to the log within the caller's write transaction."""
    if not entries:
        return
    places: Iterable[Sequence[int]]
    if connection.dialect.name == "postgresql":
        places = await _PLACES.rows(connection, {"count": len(entries)})
    else:
        last = await _LAST.rows(connection, {})
        places = zip(repeat(0), count(last[0].seq + 1 if last else 1))
    values = [(*place, *_values(entry)) for place, entry in zip(places, entries, strict=False)]
    await _EVENTS.insert_values(connection, _COLUMNS, values)


async def read(
    connection: AsyncConnection,
    after: Place,
    limit: int,
    *,
    org_id: str | None = None,
    email_id: str | None = None,
    types: Sequence[str] = (),
) -> Entries:
    """Up to `limit` entries behind `after`, in the order of the log: rows of the table `events`.

    Without `org_id` it reads across organisations: for the platform's own readers only.
    """
    place = {"tx": after.tx, "seq": after.seq, "most": limit}
    if org_id is None and email_id is None and not types:
        return await _BEHIND.rows(connection, place)
    query = _behind(connection.dialect.name)
    if org_id is not None:
        query = query.where(events.c.org_id == org_id)
    if email_id is not None:
        query = query.where(events.c.email_id == email_id)
    if types:
        query = query.where(events.c.type.in_(types))
    entries: Entries = (await connection.execute(query, place)).all()
    return entries


async def end(connection: AsyncConnection) -> Place:
    """The place behind everything that `read` can see now: a reader that starts here sees what comes."""
    if connection.dialect.name == "postgresql":
        oldest_running = (await connection.execute(select(_OLDEST_RUNNING))).scalar_one()
        return Place(oldest_running - 1, _BIGINT_MAX)
    return Place(0, (await connection.execute(_LAST_SEQ)).scalar() or 0)


async def of_email(connection: AsyncConnection, org_id: str, email_id: str) -> Entries:
    """Everything that happened to one email, in the order of the log."""
    return (
        await connection.execute(
            select(events)
            .where(
                events.c.org_id == org_id,
                events.c.email_id == email_id,
                # Always so, but without it SQLite walks the organisation's whole log, which is in that order.
                tuple_(events.c.tx, events.c.seq) > tuple_(literal(BEGINNING.tx), literal(BEGINNING.seq)),
            )
            .order_by(events.c.tx, events.c.seq)
        )
    ).all()

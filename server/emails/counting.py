"""The reader of the log that keeps the daily counters (contract rows Z-29, C-46), and for the search which
emails went to an address.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Insert, Row, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.keys import keys_parameter, one_of
from server.db.prepared import Prepared
from server.db.schema import addressees, daily_counts, events, recipients
from server.db.upsert import upserting
from server.db.writer import Writer
from server.emails.tally import Counted, changes
from server.events import log
from server.events.bell import Bell
from server.events.log import Place
from server.events.reader import Reader
from server.work.crowd import Crowd
from server.work.loop import Loop

READER = Reader("statistics")
PAGE = 500
# How soon events of other processes are seen; those of this process ring the bell.
_POLL_S = 0.25
# After the bell, so long for more to be read together.
_GATHER_S = 0.05
# While callers crowd to hand mail in, the process is theirs: the counters may come a little later.
_CROWDED_PAUSE_S = 0.25

_BEGINNINGS = frozenset(("email.sent", "email.scheduled"))
_OF_EMAIL = (events.c.org_id, events.c.email_id)
_OF_RECIPIENT = (recipients.c.org_id, recipients.c.email_id)
_EARLIER = Prepared(
    lambda dialect: (
        select(*_OF_EMAIL, events.c.type, events.c.recipient, events.c.created_at)
        .where(
            one_of(dialect, _OF_EMAIL),
            tuple_(events.c.tx, events.c.seq)
            <= tuple_(bindparam("tx", type_=BigInteger), bindparam("seq", type_=BigInteger)),
        )
        .order_by(events.c.tx, events.c.seq)
    )
)
_ADDRESSES = Prepared(
    lambda dialect: select(*_OF_RECIPIENT, recipients.c.address).where(one_of(dialect, _OF_RECIPIENT))
)


def _add_counts(dialect: str) -> Insert:
    rows = upserting(dialect, daily_counts)
    added = {"count": daily_counts.c["count"] + rows.excluded["count"]}
    upsert: Insert = rows.on_conflict_do_update(index_elements=list(daily_counts.primary_key), set_=added)
    return upsert


_ADD_COUNTS = Prepared(_add_counts)
_ADD_ADDRESSEES = Prepared(lambda dialect: upserting(dialect, addressees).on_conflict_do_nothing())


class Counting:
    """Reads the log and moves the counters, each event once.

    Its place in the log is stored in the same transaction as the counters, and only if it is still where
    this process read from: any number of processes may run one, no event is skipped and none counts twice.
    """

    def __init__(self, database: Database, writer: Writer, bell: Bell, crowd: Crowd | None = None) -> None:
        self._database = database
        self._writer = writer
        self._bell = bell
        self._crowd = crowd or Crowd()
        self._loop = Loop("statistics", self._repeat, pause_s=_POLL_S)

    async def start(self) -> None:
        """Begins to read."""
        self._loop.start()

    async def stop(self) -> None:
        """Ends with the page in hand; a later start goes on behind it."""
        await self._loop.stop()

    async def _repeat(self) -> bool:
        if not await self.step():
            await self._bell.wait(_POLL_S)
        if not self._loop.stopping:
            await asyncio.sleep(_CROWDED_PAUSE_S if self._crowd.is_there else _GATHER_S)
        return True

    async def step(self) -> bool:
        """Reads one page and counts it; whether there may be more to read at once."""
        step = await self._database.look(_next)
        if step is None:
            await self._writer.submit(READER.register, [None])
            return True
        if step.read:
            await self._writer.submit(_advance, [step])
        return step.read == PAGE


@dataclass(frozen=True, slots=True)
class _Advance:
    """The reader has read so many entries between two places, and counted; `sent_to`: rows of addressees."""

    start: Place
    to: Place
    read: int
    counted: Counter[Counted]
    sent_to: Sequence[dict[str, Any]]


async def _next(connection: AsyncConnection) -> _Advance | None:
    """The next page, counted; None before the reader is registered."""
    start = await READER.place(connection)
    if start is None:
        return None
    entries = await log.read(connection, start, PAGE)
    to = Place(entries[-1].tx, entries[-1].seq) if entries else start
    return _Advance(start, to, len(entries), *await _read(connection, entries, start))


async def _read(
    connection: AsyncConnection, entries: log.Entries, start: Place
) -> tuple[Counter[Counted], list[dict[str, Any]]]:
    keys = {(entry.org_id, entry.email_id) for entry in entries}
    if not keys:
        return Counter(), []
    people = await _addresses(connection, keys)
    numbers = {key: len(addresses) for key, addresses in people.items()}
    counted = changes(await _earlier(connection, keys, start), entries, numbers)
    begun = {(entry.org_id, entry.email_id) for entry in entries if entry.type in _BEGINNINGS}
    sent_to = [
        {"org_id": key[0], "address": address.lower().encode(), "email_id": key[1]}
        for key in begun
        for address in people.get(key, ())
    ]
    return counted, sorted(sent_to, key=lambda row: (row["org_id"], row["address"], row["email_id"]))


async def _earlier(
    connection: AsyncConnection, keys: Collection[tuple[str, str]], until: Place
) -> Sequence[Row[Any]]:
    place = {"tx": until.tx, "seq": until.seq}
    return await _EARLIER.rows(connection, keys_parameter(keys) | place)


async def _addresses(
    connection: AsyncConnection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[str]]:
    people: dict[tuple[str, str], list[str]] = {}
    for org_id, email_id, address in await _ADDRESSES.rows(connection, keys_parameter(keys)):
        people.setdefault((org_id, email_id), []).append(address)
    return people


async def _advance(connection: AsyncConnection, steps: Sequence[_Advance]) -> list[bool]:
    """Moves the reader and the counters, both or neither; an act of the `Writer`.

    False: another process moved the reader meanwhile, nothing was done.
    """
    return [await _advance_one(connection, step) for step in steps]


async def _advance_one(connection: AsyncConnection, step: _Advance) -> bool:
    if not await READER.move(connection, step.start, step.to):
        return False
    await _ADD_COUNTS.change(
        connection,
        [{**counted._asdict(), "count": count} for counted, count in sorted(step.counted.items())],
    )
    await _ADD_ADDRESSEES.change(connection, step.sent_to)
    return True

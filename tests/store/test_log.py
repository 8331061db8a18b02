"""The event log: a cursor never skips an entry (F-8)."""

import asyncio
from time import time_ns
from typing import NamedTuple

from sqlalchemy import create_engine, delete, make_url, select, text, update

from server.db.connections import Connections
from server.db.database import Database
from server.db.tables.events import events, log_heads
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.rows import BEGINNING, Place
from server.ids import new_id
from tests.harness.postgres import Postgres
from tests.harness.sqlite_plans import plans_of
from tests.harness.waiting import WITHIN_S

ORG, OTHER = "0" * 23 + "a", "0" * 23 + "b"


class _Head(NamedTuple):
    unit: int
    stamp: int
    seq: int


def _entry(org_id: str = ORG, type: str = "email.sent") -> log.Entry:
    return log.Entry(org_id=org_id, email_id=new_id(), type=type, created_at=1)


async def _append(writer: Writer, *entries: log.Entry) -> None:
    await writer.run(log.append, entries)


async def _read(
    database: Database, after: Place, org_id: str = ORG, *, types: tuple[str, ...] = ()
) -> list[str]:
    rows = await database.read(log.read, org_id, after, 100, types=types)
    return [row.email_id for row in rows]


async def _read_all(database: Database) -> list[str]:
    pages = await database.read(log.pages, {}, 100)
    return [row.email_id for page in pages for row in page.entries]


async def test_entries_are_read_in_the_order_of_their_commits(database: Database, writer: Writer) -> None:
    entries = [_entry() for _ in range(5)]
    for entry in entries:
        await _append(writer, entry)
    assert await _read(database, BEGINNING) == [entry.email_id for entry in entries]


async def test_an_organisation_reads_its_own_entries_only(database: Database, writer: Writer) -> None:
    mine, theirs = _entry(), _entry(OTHER)
    await _append(writer, mine, theirs)
    assert await _read(database, BEGINNING) == [mine.email_id]
    assert sorted(await _read_all(database)) == sorted([mine.email_id, theirs.email_id])


async def test_types_filter_the_entries(database: Database, writer: Writer) -> None:
    sent, delivered = _entry(), _entry(type="email.delivered")
    await _append(writer, sent, delivered)
    assert await _read(database, BEGINNING, types=("email.delivered",)) == [delivered.email_id]


async def test_end_of_the_log_is_after_past_and_before_future_entries(
    database: Database, writer: Writer
) -> None:
    await _append(writer, _entry())
    end = await database.read(log.end, ORG)
    assert await _read(database, end) == []
    late = _entry()
    await _append(writer, late)
    assert await _read(database, end) == [late.email_id]


async def test_transaction_that_commits_later_has_later_places(postgres_url: str) -> None:
    """Two PostgreSQL writers: the first to write commits last; a reader in between must not skip it."""
    database = Database(postgres_url)
    writing = Connections(database.url, database.availability, read_only=False)
    slow, fast = _entry(), _entry()
    with writing.transaction() as first:
        log.append(first, [slow])
        with writing.transaction() as second:
            log.append(second, [fast])
        between = await database.read(log.read, ORG, BEGINNING, 100)
        end = await database.read(log.end, ORG)
    assert [row.email_id for row in between] == [fast.email_id]
    assert await _read(database, between[-1].place) == [slow.email_id]
    assert await _read(database, end) == [slow.email_id]
    writing.close()
    await database.close()


async def test_transactions_of_others_hold_up_no_reader(postgres: Postgres, postgres_url: str) -> None:
    """A backup, an analyst: in another database of the same PostgreSQL, or in this one."""
    database, other_url = Database(postgres_url), postgres.create_database()
    writing = Connections(database.url, database.availability, read_only=False)
    for url in (other_url, postgres_url):
        others = create_engine(make_url(url))
        with others.begin() as connection:
            connection.execute(text("CREATE TABLE notes (note text)"))
            connection.execute(text("INSERT INTO notes VALUES ('held open')"))
            entry = _entry()
            with writing.transaction() as tx:
                log.append(tx, [entry])
            assert (await _read(database, BEGINNING))[-1:] == [entry.email_id]
            assert (await _read_all(database))[-1:] == [entry.email_id]
        others.dispose()
    writing.close()
    await database.close()
    postgres.drop_database(other_url)


async def test_places_go_on_after_those_of_a_lost_time(database: Database, writer: Writer) -> None:
    """A store that is restored to an earlier time: the cursor of a lost event gets each event to come."""
    await _append(writer, _entry())

    def heads(tx: Tx) -> list[_Head]:
        return tx.all(_Head, select(log_heads))

    before = await database.read(heads)
    await _append(writer, *(_entry() for _ in range(50)))
    cursor = await database.read(log.end, ORG)

    def restore(tx: Tx) -> None:
        for row in before:
            tx.change(
                update(log_heads).where(log_heads.c.unit == row.unit).values(stamp=row.stamp, seq=row.seq)
            )
            tx.change(delete(events).where(events.c.unit == row.unit, events.c.stamp > row.stamp))

    await writer.run(restore)
    new = [_entry() for _ in range(3)]
    for entry in new:
        await _append(writer, entry)
    assert await _read(database, cursor) == [entry.email_id for entry in new]


async def test_stamps_go_on_when_the_clock_is_set_back(database: Database, writer: Writer) -> None:
    """As after a time at which the clock was a year ahead."""
    ahead = time_ns() // 1_000 + 365 * 86_400_000_000
    await writer.run(Tx.change, update(log_heads).values(stamp=ahead, seq=1))
    entries = [_entry() for _ in range(3)]
    for entry in entries:
        await _append(writer, entry)
    assert await _read(database, Place(ahead, 1)) == [entry.email_id for entry in entries]


async def test_readers_beside_many_writers_see_each_entry_once(database: Database, writer: Writer) -> None:
    """In the order of each organisation's commits, however many units there are."""
    orgs = [f"{number:024x}" for number in range(20)]

    def append(tx: Tx, entries: list[log.Entry]) -> list[None]:
        log.append(tx, entries)
        return [None] * len(entries)

    async def write() -> list[str]:
        entries = [_entry(org_id) for org_id in orgs]
        for entry in entries:
            await writer.submit(append, [entry])
        return [entry.email_id for entry in entries]

    seen: list[str] = []
    writing = asyncio.gather(*(write() for _ in range(6)))
    places: dict[int, Place] = {}
    async with asyncio.timeout(WITHIN_S):
        while not writing.done() or len(seen) < 6 * len(orgs):
            for page in await database.read(log.pages, places, 7):
                seen += [row.email_id for row in page.entries]
                places[page.unit] = page.to
    assert await database.read(log.pages, places, 7) == []
    assert sorted(seen) == sorted(email_id for ids in await writing for email_id in ids)


def test_entries_of_an_email_are_found_by_index(sqlite_url: str) -> None:
    """B6. PostgreSQL has statistics; SQLite must be led."""
    [step, *_] = plans_of(sqlite_url, log.of_email, ORG, new_id())
    assert "ix_events_org_id_email_id" in step


def test_the_log_is_read_by_an_index(sqlite_url: str) -> None:
    """B6."""
    entries, its_email = plans_of(sqlite_url, log.of_unit, 0, Place(0, 7), 100)
    assert "SEARCH e USING INDEX ix_events_place (unit=? AND (stamp,seq)>(?,?))" in entries
    assert "SEARCH m USING " in its_email
    assert "(org_id=? AND id=?)" in its_email

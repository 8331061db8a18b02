"""The event log: a cursor never skips an entry (F-8)."""

import asyncio

from server.db.connections import Connections
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.rows import BEGINNING, Place
from server.ids import new_id
from tests.harness.sqlite_plans import plans_of
from tests.harness.waiting import WITHIN_S

ORG, OTHER = "0" * 23 + "a", "0" * 23 + "b"


def _entry(org_id: str = ORG, type: str = "email.sent") -> log.Entry:
    return log.Entry(org_id=org_id, email_id=new_id(), type=type, created_at=1)


async def _append(writer: Writer, *entries: log.Entry) -> None:
    await writer.run(log.append, entries)


async def _read(
    database: Database, after: Place, *, org_id: str | None = None, types: tuple[str, ...] = ()
) -> list[str]:
    rows = await database.read(log.read, after, 100, org_id=org_id, types=types)
    return [row.email_id for row in rows]


async def test_entries_are_read_in_the_order_of_their_commits(database: Database, writer: Writer) -> None:
    entries = [_entry() for _ in range(5)]
    for entry in entries:
        await _append(writer, entry)
    assert await _read(database, BEGINNING, org_id=ORG) == [entry.email_id for entry in entries]


async def test_an_organisation_reads_its_own_entries_only(database: Database, writer: Writer) -> None:
    mine, theirs = _entry(), _entry(OTHER)
    await _append(writer, mine, theirs)
    assert await _read(database, BEGINNING, org_id=ORG) == [mine.email_id]
    assert await _read(database, BEGINNING) == [mine.email_id, theirs.email_id]


async def test_types_filter_the_entries(database: Database, writer: Writer) -> None:
    sent, delivered = _entry(), _entry(type="email.delivered")
    await _append(writer, sent, delivered)
    assert await _read(database, BEGINNING, org_id=ORG, types=("email.delivered",)) == [delivered.email_id]


async def test_end_of_the_log_is_after_past_and_before_future_entries(
    database: Database, writer: Writer
) -> None:
    await _append(writer, _entry())
    end = await database.read(log.end)
    assert await _read(database, end) == []
    late = _entry()
    await _append(writer, late)
    assert await _read(database, end) == [late.email_id]


async def test_a_reader_does_not_pass_a_transaction_that_commits_later(postgres_url: str) -> None:
    """Two PostgreSQL writers: the first to write commits last; a reader in between must not skip it."""
    database = Database(postgres_url)
    writing = Connections(database.url, database.availability, read_only=False)
    slow, fast = _entry(), _entry()
    with writing.transaction() as first:
        log.append(first, [slow])
        with writing.transaction() as second:
            log.append(second, [fast])
        between = await database.read(log.read, BEGINNING, 100)
        place = between[-1].place if between else BEGINNING
        end = await database.read(log.end)
    assert [row.email_id for row in between] + await _read(database, place) == [slow.email_id, fast.email_id]
    assert set(await _read(database, end)) == {slow.email_id, fast.email_id}
    writing.close()
    await database.close()


async def test_readers_beside_many_writers_see_each_entry_once(database: Database, writer: Writer) -> None:
    def append(tx: Tx, entries: list[log.Entry]) -> list[None]:
        log.append(tx, entries)
        return [None] * len(entries)

    async def write() -> list[str]:
        entries = [_entry() for _ in range(30)]
        for entry in entries:
            await writer.submit(append, [entry])
        return [entry.email_id for entry in entries]

    seen: list[str] = []
    writing = asyncio.gather(*(write() for _ in range(6)))
    place = BEGINNING
    # An empty page may fill: PostgreSQL holds entries back while an older transaction runs, autovacuum's too.
    async with asyncio.timeout(WITHIN_S):
        while not writing.done() or len(seen) < 6 * 30:
            rows = await database.read(log.read, place, 7)
            seen += [row.email_id for row in rows]
            place = rows[-1].place if rows else place
    assert await database.read(log.read, place, 7) == []
    assert sorted(seen) == sorted(email_id for ids in await writing for email_id in ids)


def test_entries_of_an_email_are_found_by_index(sqlite_url: str) -> None:
    """B6. PostgreSQL has statistics; SQLite must be led."""
    [step, *_] = plans_of(sqlite_url, log.of_email, ORG, new_id())
    assert "ix_events_org_id_email_id" in step


def test_the_log_is_read_by_an_index(sqlite_url: str) -> None:
    """B6."""
    entries, its_email = plans_of(sqlite_url, log.read, Place(0, 7), 100)
    assert "SEARCH e USING INDEX ix_events_place ((tx,seq)>(?,?))" in entries
    assert "SEARCH m USING " in its_email
    assert "(org_id=? AND id=?)" in its_email

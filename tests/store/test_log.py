"""The event log: a cursor never skips an entry (F-8)."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from server.db.engine import Database
from server.db.writer import Writer
from server.events import log
from server.ids import new_id

ORG, OTHER = "0" * 23 + "a", "0" * 23 + "b"


def _entry(org_id: str = ORG, type: str = "email.sent") -> log.Entry:
    return log.Entry(org_id=org_id, email_id=new_id(), type=type, created_at=1)


async def _append(writer: Writer, *entries: log.Entry) -> None:
    await writer.run(lambda connection: log.append(connection, entries))


async def _read(database: Database, after: log.Place, **criteria: object) -> list[str]:
    async with database.read() as connection:
        return [row.email_id for row in await log.read(connection, after, 100, **criteria)]  # type: ignore[arg-type]


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_is_its_place(tx: int, seq: int) -> None:
    assert log.Place.of_cursor(log.Place(tx, seq).cursor()) == (tx, seq)


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1-", "-1", "1-1-1", "0x1-1", " 1-1", "1-ffffffffffffffff", "01-1"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        log.Place.of_cursor(cursor)


async def test_entries_are_read_in_the_order_of_their_commits(database: Database, writer: Writer) -> None:
    entries = [_entry() for _ in range(5)]
    for entry in entries:
        await _append(writer, entry)
    assert await _read(database, log.BEGINNING, org_id=ORG) == [entry.email_id for entry in entries]


async def test_an_organisation_reads_its_own_entries_only(database: Database, writer: Writer) -> None:
    mine, theirs = _entry(), _entry(OTHER)
    await _append(writer, mine, theirs)
    assert await _read(database, log.BEGINNING, org_id=ORG) == [mine.email_id]
    assert await _read(database, log.BEGINNING) == [mine.email_id, theirs.email_id]


async def test_types_narrow_the_reading(database: Database, writer: Writer) -> None:
    sent, delivered = _entry(), _entry(type="email.delivered")
    await _append(writer, sent, delivered)
    assert await _read(database, log.BEGINNING, org_id=ORG, types=["email.delivered"]) == [delivered.email_id]


async def test_the_end_lies_behind_what_was_and_before_what_comes(database: Database, writer: Writer) -> None:
    await _append(writer, _entry())
    async with database.read() as connection:
        end = await log.end(connection)
    assert await _read(database, end) == []
    late = _entry()
    await _append(writer, late)
    assert await _read(database, end) == [late.email_id]


async def test_a_reader_does_not_pass_a_transaction_that_commits_later(postgres_url: str) -> None:
    """Two PostgreSQL writers: the first to write commits last; a reader in between must not skip it."""
    database = Database(postgres_url)
    slow, fast = _entry(), _entry()
    async with database.write() as first:
        await log.append(first, [slow])
        async with database.write() as second:
            await log.append(second, [fast])
        async with database.read() as connection:
            between = await log.read(connection, log.BEGINNING, 100)
            place = log.Place(between[-1].tx, between[-1].seq) if between else log.BEGINNING
            end = await log.end(connection)
    assert [row.email_id for row in between] + await _read(database, place) == [slow.email_id, fast.email_id]
    assert set(await _read(database, end)) == {slow.email_id, fast.email_id}
    await database.close()


async def test_readers_beside_many_writers_see_each_entry_once(database: Database, writer: Writer) -> None:
    async def write() -> list[str]:
        entries = [_entry() for _ in range(30)]
        for entry in entries:
            await writer.submit(_one, [entry])
        return [entry.email_id for entry in entries]

    async def _one(connection: object, entries: list[log.Entry]) -> list[None]:
        await log.append(connection, entries)  # type: ignore[arg-type]
        return [None] * len(entries)

    seen: list[str] = []
    writing = asyncio.gather(*(write() for _ in range(6)))
    place = log.BEGINNING
    while len(seen) < 180:
        async with database.read() as connection:
            rows = await log.read(connection, place, 7)
        seen += [row.email_id for row in rows]
        if rows:
            place = log.Place(rows[-1].tx, rows[-1].seq)
        else:
            assert not writing.done() or len(seen) == 180
            await asyncio.sleep(0)
    assert sorted(seen) == sorted(email_id for ids in await writing for email_id in ids)


async def test_an_emails_entries_are_looked_up_and_the_log_is_not_walked(sqlite_url: str) -> None:
    """B6. PostgreSQL has statistics; SQLite must be led."""
    statements = []

    def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        statements.append((statement, parameters))

    database = Database(sqlite_url)
    event.listen(Engine, "before_cursor_execute", keep)
    try:
        async with database.read() as connection:
            assert await log.of_email(connection, ORG, new_id()) == []
            statement, parameters = statements[-1]
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert "ix_events_org_id_email_id" in plan.one().detail
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
        await database.close()

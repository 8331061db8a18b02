"""Transactions in one thread: what goes to the driver as it is arrives as it was, on both engines."""

import asyncio

import pytest
from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.prepared import Prepared, Rows
from server.db.schema import idempotency_keys, outq
from server.db.writer import Writer
from server.faults import Unavailable

KEYS = Rows(idempotency_keys)
FOUND = Prepared(
    lambda _: (
        select(idempotency_keys)
        .where(idempotency_keys.c.org_id == bindparam("org_id"), idempotency_keys.c.operation == "send")
        .order_by(idempotency_keys.c.key)
    )
)
QUEUED = Prepared(lambda _: select(outq).order_by(outq.c.no))
# What a stream of rows or a list of parameters could take for something else than text.
TEXTS = ["", "\\N", "\\.", "a\tb\nc\rd", "\\\\t", "NULL", '{"a": "b"}', "%s %(a)s ?", "日本 🙂 ß", "'\"`"]
BYTES = [b"", b"\x00\xff\t\n\\", bytes(range(256))]


async def _insert(connection: AsyncConnection, names: list[str]) -> list[None]:
    await KEYS.insert(connection, [key(name) for name in names])
    return [None] * len(names)


def key(text: str, data: bytes = b"", org_id: str = "o1") -> dict[str, object]:
    """A row of idempotency keys."""
    return {
        "operation": "send",
        "org_id": org_id,
        "key": text,
        "request_hash": data,
        "response": memoryview(data),
        "expires_at": 2**40,
    }


async def test_rows_arrive_as_they_were(database: Database, writer: Writer) -> None:
    rows = [key(text, data) for text, data in zip(TEXTS, BYTES * 4, strict=False)]
    await writer.run(lambda connection: KEYS.insert(connection, rows))
    expected = sorted((row["key"], row["request_hash"], row["request_hash"], 2**40) for row in rows)

    async def read(connection: AsyncConnection) -> list[tuple[object, ...]]:
        found = await FOUND.rows(connection, {"org_id": "o1"})
        return sorted(
            (row.key, bytes(row.request_hash), bytes(row.response), row.expires_at) for row in found
        )

    async with database.read() as connection:
        assert await read(connection) == expected
    assert await database.look(read) == expected
    assert await writer.run(read) == expected


async def test_booleans_numbers_and_nothing_arrive_too(database: Database, writer: Writer) -> None:
    row = {
        "org_id": "o",
        "email_id": "e",
        "no": 1,
        "shard": 2,
        "priority": 1,
        "site": "s",
        "due_at": 2**41,
        "attempts": 0,
        "crashes": 0,
        "uncertain": True,
        "lease_owner": None,
        "lease_token": 0,
    }
    await writer.run(
        lambda connection: Rows(outq).insert(connection, [row, {**row, "no": 2, "uncertain": False}])
    )
    async with database.read() as connection:
        found = (await connection.execute(select(outq).order_by(outq.c.no))).all()
    prepared = await database.look(lambda connection: QUEUED.rows(connection, {}))
    for rows_found in (found, prepared):
        assert [(each.lease_owner, each.due_at) for each in rows_found] == [(None, 2**41)] * 2
        assert rows_found[0].uncertain is True
        assert rows_found[1].uncertain is False


async def test_a_list_of_parameters_changes_row_by_row(database: Database, writer: Writer) -> None:
    expire = Prepared(
        lambda _: (
            update(idempotency_keys)
            .where(
                idempotency_keys.c.org_id == bindparam("b_org"), idempotency_keys.c.key == bindparam("b_key")
            )
            .values(expires_at=bindparam("b_at"), response=b"gone")
        )
    )

    async def write(connection: AsyncConnection) -> tuple[int, int]:
        await KEYS.insert(connection, [key("a"), key("b"), key("c")])
        changes = [{"b_org": "o1", "b_key": name, "b_at": at} for name, at in (("a", 1), ("c", 3), ("d", 4))]
        return await expire.change(connection, changes), await expire.change(connection, [])

    assert await writer.run(write) == (2, 0)
    async with database.read() as connection:
        found = await FOUND.rows(connection, {"org_id": "o1"})
    assert [(row.expires_at, bytes(row.response)) for row in found] == [
        (1, b"gone"),
        (2**40, b""),
        (3, b"gone"),
    ]


async def test_a_row_that_cannot_be_takes_its_transaction_with_it(database: Database, writer: Writer) -> None:
    async def write(connection: AsyncConnection) -> None:
        await KEYS.insert(connection, [key("kept out", org_id="o2")])
        await KEYS.insert(connection, [key("twice", org_id="o2")] * 2)

    with pytest.raises(IntegrityError):
        await writer.run(write)
    await writer.run(lambda connection: KEYS.insert(connection, [key("later", org_id="o2")]))
    found = await database.look(lambda connection: FOUND.rows(connection, {"org_id": "o2"}))
    assert [row.key for row in found] == ["later"]


async def test_both_ways_of_writing_are_one_transaction(database: Database, writer: Writer) -> None:
    """Some statements go through SQLAlchemy, some do not: all are kept or none."""

    async def write(connection: AsyncConnection, *, fail: bool) -> None:
        await KEYS.insert(connection, [key("by the driver")])
        assert await connection.scalar(select(idempotency_keys.c.key)) == "by the driver"
        await connection.execute(delete(idempotency_keys))
        assert await FOUND.rows(connection, {"org_id": "o1"}) == []
        await KEYS.insert(connection, [key("again")])
        if fail:
            raise Unavailable(1.0)

    with pytest.raises(Unavailable):
        await writer.run(lambda connection: write(connection, fail=True))
    assert await database.look(lambda connection: FOUND.rows(connection, {"org_id": "o1"})) == []
    await writer.run(lambda connection: write(connection, fail=False))
    found = await database.look(lambda connection: FOUND.rows(connection, {"org_id": "o1"}))
    assert [row.key for row in found] == ["again"]


async def test_nothing_waits_inside_a_transaction(database: Database, writer: Writer) -> None:
    """DESIGN 2.6: no transaction is open while the platform talks to others."""

    async def wait(_connection: AsyncConnection) -> None:
        await asyncio.sleep(0)

    for attempt in (database.look(wait), writer.run(wait)):
        with pytest.raises(RuntimeError, match="waited"):
            await attempt


async def test_a_look_cannot_write(sqlite_url: str) -> None:
    """SQLite has one writing connection, and it is the writer's."""
    database = Database(sqlite_url)
    with pytest.raises(DBAPIError, match="readonly"):
        await database.look(lambda connection: KEYS.insert(connection, [key("a")]))
    await database.close()


async def test_a_database_that_dropped_its_connections_is_written_again(postgres_url: str) -> None:
    """Of the connections that were open, one finds out; its caller is told to come again and is served."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    await writer.run(lambda connection: KEYS.insert(connection, [key("before")]))
    pause = text("SELECT pg_sleep(0.2)")
    await asyncio.gather(
        *(writer.run(lambda connection: connection.execute(pause)) for _ in range(database.writers))
    )
    async with database.read() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    with pytest.raises(Unavailable):
        await writer.run(lambda connection: KEYS.insert(connection, [key("none")]))
    for name in ("one", "two", "three"):
        await writer.submit(_insert, [name])
    found = await database.look(lambda connection: FOUND.rows(connection, {"org_id": "o1"}))
    assert [row.key for row in found] == ["before", "one", "three", "two"]
    await writer.close()
    await database.close()

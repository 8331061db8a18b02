"""Transactions and statements: values round-trip unchanged, and rows match their classes."""

import asyncio
from typing import Literal, NamedTuple

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from server.db.database import Database
from server.db.statements import BulkInsert, Change, Statement
from server.db.tables.emails import idempotency_keys
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import Unavailable


class KeyRow(NamedTuple):
    """An idempotency key."""

    key: str
    request_hash: bytes
    response: bytes
    expires_at: int


class QueueRow(NamedTuple):
    """A row of the queue."""

    lease_owner: str | None
    due_at: int
    uncertain: bool


KEYS = BulkInsert(idempotency_keys)
FOUND = Statement(
    KeyRow,
    "SELECT key, request_hash, response, expires_at FROM idempotency_keys"
    " WHERE org_id = :org_id AND operation = 'send' ORDER BY key",
)
# Texts that a stream of rows, a list of parameters or a statement's own syntax could take for something else.
TEXTS = ["", "\\N", "\\.", "a\tb\nc\rd", "\\\\t", "NULL", '{"a": "b"}', "%s %(a)s :a ?", "日本 🙂 ß", "'\"`"]
BYTES = [b"", b"\x00\xff\t\n\\", bytes(range(256))]


def _insert(tx: Tx, names: list[str]) -> list[None]:
    KEYS.rows(tx, [key(name) for name in names])
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


def _found(tx: Tx, org_id: str = "o1") -> list[str]:
    return [row.key for row in FOUND.all(tx, org_id=org_id)]


async def test_rows_round_trip_unchanged(database: Database, writer: Writer) -> None:
    rows = [key(text, data) for text, data in zip(TEXTS, BYTES * 4, strict=False)]
    await writer.run(KEYS.rows, rows)
    expected = sorted((row["key"], row["request_hash"], row["request_hash"], 2**40) for row in rows)

    def read(tx: Tx) -> list[tuple[object, ...]]:
        return sorted(FOUND.all(tx, org_id="o1"))

    assert await database.read(read) == expected
    assert await writer.run(read) == expected


async def test_booleans_numbers_and_null_round_trip(database: Database, writer: Writer) -> None:
    row = {
        "org_id": "o",
        "email_id": "e",
        "no": 1,
        "priority": 1,
        "site": "s",
        "due_at": 2**41,
        "attempts": 0,
        "crashes": 0,
        "uncertain": True,
        "lease_owner": None,
        "lease_token": 0,
    }
    await writer.run(BulkInsert(delivery_queue).rows, [row, {**row, "no": 2, "uncertain": False}])
    by_core = select(
        delivery_queue.c.lease_owner, delivery_queue.c.due_at, delivery_queue.c.uncertain
    ).order_by(delivery_queue.c.no)
    by_driver = Statement(QueueRow, "SELECT lease_owner, due_at, uncertain FROM delivery_queue ORDER BY no")
    for rows in (await database.read(Tx.all, QueueRow, by_core), await database.read(by_driver.all)):
        assert rows == [(None, 2**41, True), (None, 2**41, False)]
        assert rows[0].uncertain is True
        assert rows[1].uncertain is False


class _WrongType(NamedTuple):
    key: int


class _WrongName(NamedTuple):
    kee: str


class _WrongLiteral(NamedTuple):
    key: Literal[1, 2]


class _RightLiteral(NamedTuple):
    key: Literal["a", "b"]


class _NotNull(NamedTuple):
    lease: str


@pytest.mark.parametrize("row", [_WrongType, _WrongName, _WrongLiteral])
async def test_row_class_that_differs_from_the_result_is_an_error(
    database: Database, writer: Writer, row: type[NamedTuple]
) -> None:
    """The types that mypy sees for columns are checked against the first row."""
    await writer.submit(_insert, ["a"])
    with pytest.raises(TypeError, match=row.__name__):
        await database.read(Statement(row, "SELECT key FROM idempotency_keys").all)
    with pytest.raises(TypeError, match=row.__name__):
        await database.read(Tx.all, row, select(idempotency_keys.c.key))


async def test_null_and_literals_are_checked_too(database: Database, writer: Writer) -> None:
    await writer.submit(_insert, ["a"])
    assert await database.read(
        Statement(_RightLiteral, "SELECT key FROM idempotency_keys WHERE org_id = 'o1'").all
    ) == [("a",)]
    with pytest.raises(TypeError, match="NoneType"):
        await database.read(Statement(_NotNull, "SELECT NULL AS lease FROM idempotency_keys").all)
    with pytest.raises(TypeError, match="str"):
        await database.read(Tx.scalar, int, select(idempotency_keys.c.key))
    with pytest.raises(TypeError, match="str"):
        await database.read(Tx.scalars, int, select(idempotency_keys.c.key))


async def test_each_engine_gets_its_own_part_of_a_statement(database: Database) -> None:
    class Name(NamedTuple):
        name: str

    statement = Statement(Name, "SELECT {sqlite: 'sqlite'}{postgresql: 'postgresql'} AS name")
    assert await database.read(statement.first) == (database.engine,)


async def test_list_of_parameters_runs_once_per_row(database: Database, writer: Writer) -> None:
    expire = Change(
        "UPDATE idempotency_keys SET expires_at = :at, response = :response"
        " WHERE org_id = :org AND key = :key"
    )

    def write(tx: Tx) -> tuple[int, int]:
        KEYS.rows(tx, [key("a"), key("b"), key("c")])
        changes = [
            {"org": "o1", "key": name, "at": at, "response": b"gone"}
            for name, at in (("a", 1), ("c", 3), ("d", 4))
        ]
        return expire.run(tx, changes), expire.run(tx, [])

    assert await writer.run(write) == (2, 0)
    found = await database.read(FOUND.all, org_id="o1")
    assert [(row.expires_at, row.response) for row in found] == [(1, b"gone"), (2**40, b""), (3, b"gone")]


async def test_invalid_row_rolls_back_its_transaction(database: Database, writer: Writer) -> None:
    def write(tx: Tx) -> None:
        KEYS.rows(tx, [key("kept out", org_id="o2")])
        KEYS.rows(tx, [key("twice", org_id="o2")] * 2)

    with pytest.raises(IntegrityError):
        await writer.run(write)
    await writer.run(KEYS.rows, [key("later", org_id="o2")])
    assert await database.read(_found, "o2") == ["later"]


async def test_core_and_plain_statements_share_one_transaction(database: Database, writer: Writer) -> None:
    """Some statements go through SQLAlchemy, some do not: all are kept or none."""

    def write(tx: Tx, *, fail: bool) -> None:
        KEYS.rows(tx, [key("by the driver")])
        assert tx.scalar(str, select(idempotency_keys.c.key)) == "by the driver"
        assert tx.change(delete(idempotency_keys).where(idempotency_keys.c.org_id == "o1")) == 1
        assert _found(tx) == []
        KEYS.rows(tx, [key("again")])
        if fail:
            raise Unavailable(1.0)

    with pytest.raises(Unavailable):
        await writer.run(write, fail=True)
    assert await database.read(_found) == []
    await writer.run(write, fail=False)
    assert await database.read(_found) == ["again"]


async def test_read_transaction_sees_one_snapshot(database: Database, writer: Writer) -> None:
    """A page and its count agree, whatever is committed between the two statements."""
    loop = asyncio.get_running_loop()

    def read(tx: Tx) -> tuple[list[str], list[str]]:
        before = _found(tx)
        asyncio.run_coroutine_threadsafe(writer.submit(_insert, ["later"]), loop).result()
        return before, _found(tx)

    await writer.submit(_insert, ["first"])
    assert await database.read(read) == (["first"], ["first"])
    assert await database.read(_found) == ["first", "later"]


async def test_a_reader_cannot_write(sqlite_url: str) -> None:
    """SQLite has one writing connection, and it is the writer's."""
    database = Database(sqlite_url)
    with pytest.raises(DBAPIError, match="readonly"):
        await database.read(KEYS.rows, [key("a")])
    await database.close()


async def test_writes_resume_after_the_database_dropped_its_connections(postgres_url: str) -> None:
    """Of the connections that were open, one finds out; its transaction runs again on another."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    await writer.run(KEYS.rows, [key("before")])
    pause = text("SELECT pg_sleep(0.2)")
    await asyncio.gather(*(writer.run(Tx.change, pause) for _ in range(writer.concurrency)))
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await database.read(Tx.change, kill)
    for name in ("one", "two", "three"):
        await writer.submit(_insert, [name])
    assert await database.read(_found) == ["before", "one", "three", "two"]
    await writer.close()
    await database.close()

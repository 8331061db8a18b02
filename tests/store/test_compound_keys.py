"""Lists of compound keys are looked up key by key, on both engines."""

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.engine import Database
from server.db.keys import among
from server.db.schema import idempotency_keys
from server.db.writer import Writer

COLUMNS = (idempotency_keys.c.org_id, idempotency_keys.c.operation, idempotency_keys.c.key)
KEYS = [("o1", "send", "a"), ("o1", "send", "b'\"\\,]"), ("o1", "batch", "ü🙂"), ("o2", "send", "a")]


async def test_exactly_the_listed_keys_are_found(database: Database, writer: Writer) -> None:
    async def write(connection: AsyncConnection) -> None:
        rows = [
            {
                "org_id": org,
                "operation": operation,
                "key": key,
                "request_hash": b"",
                "response": b"",
                "expires_at": 0,
            }
            for org, operation, key in KEYS
        ]
        await connection.execute(insert(idempotency_keys), rows)

    await writer.run(write)
    async with database.read() as connection:
        for wanted in ([], KEYS[1:3], [("o1", "batch", "a"), ("o2", "send", "b")], KEYS):
            query = select(*COLUMNS).where(among(connection, COLUMNS, wanted))
            found = {tuple(row) for row in await connection.execute(query)}
            assert found == set(wanted) & set(KEYS)


async def test_sqlite_reads_no_table_from_end_to_end(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.read() as connection:
        query = select(*COLUMNS).where(among(connection, COLUMNS, KEYS))
        compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    await database.close()
    assert any(step.startswith("SEARCH idempotency_keys") for step in plan)
    assert not [step for step in plan if step.startswith("SCAN idempotency_keys")]

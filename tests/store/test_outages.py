"""Outages of the store: one kind of error, no repetition of what may have happened, and a way back."""

import asyncio

import pytest
from sqlalchemy import insert, select, text

from server.db.database import Database
from server.db.outage import CommitUnknown, StoreAway
from server.db.tables.events import log_readers
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.stack import free_port


def _add(tx: Tx, names: list[str]) -> list[str]:
    tx.change(insert(log_readers), [{"reader": name, "unit": 0, "stamp": 0, "seq": 0} for name in names])
    return names


async def _names(database: Database) -> set[str]:
    return set(await database.read(lambda tx: tx.scalars(str, select(log_readers.c.reader))))


async def test_transaction_whose_commit_may_have_taken_effect_is_not_repeated(postgres_url: str) -> None:
    """Everybody in its group gets UNAVAILABLE: repeated unseen, a send might go out twice."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    loop = asyncio.get_running_loop()
    runs = 0

    def lose_connection(tx: Tx, names: list[str]) -> list[str]:
        nonlocal runs
        runs += 1
        _add(tx, names)
        pid = tx.scalar(int, text("SELECT pg_backend_pid()"))
        kill = text(f"SELECT pg_terminate_backend({pid}, 5000)")
        asyncio.run_coroutine_threadsafe(database.read(Tx.change, kill), loop).result()
        return names

    results = await asyncio.gather(
        *(writer.submit(lose_connection, [name]) for name in ("one", "two")), return_exceptions=True
    )
    assert [type(result) for result in results] == [CommitUnknown, CommitUnknown]
    assert runs == 1
    await writer.submit(_add, ["later"])
    assert await _names(database) == {"later"}
    await writer.close()
    await database.close()


async def test_reads_and_writes_are_unavailable_while_nobody_listens() -> None:
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    writer = Writer(database)
    writer.start()
    with pytest.raises(StoreAway):
        await _names(database)
    with pytest.raises(StoreAway):
        await writer.submit(_add, ["a"])
    assert database.availability.is_away
    await writer.close()
    await database.close()


async def test_connection_to_a_server_that_became_read_only_is_given_up(postgres_url: str) -> None:
    """After a fail-over the old primary may still answer: the next connection leads to the new one."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    await writer.run(Tx.change, text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    with pytest.raises(StoreAway):
        await writer.submit(_add, ["refused"])
    await writer.submit(_add, ["taken"])
    assert await _names(database) == {"taken"}
    await writer.close()
    await database.close()

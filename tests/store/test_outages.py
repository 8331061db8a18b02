"""Outages of the store: one kind of error, no repetition of what may have happened, and a way back."""

import asyncio

import pytest
from sqlalchemy import text

from server.db.database import Database
from server.db.outage import StoreAway
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.stack import free_port
from tests.store.named_rows import add_names, names_in


async def test_transaction_that_was_ended_before_its_commit_runs_again(postgres_url: str) -> None:
    """The database rolled it back: each of its submissions is repeated alone."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    loop = asyncio.get_running_loop()
    runs: list[list[str]] = []

    def lose_connection(tx: Tx, names: list[str]) -> list[str]:
        runs.append(names)
        add_names(tx, names)
        if len(runs) == 1:
            pid = tx.scalar(int, text("SELECT pg_backend_pid()"))
            kill = text(f"SELECT pg_terminate_backend({pid}, 5000)")
            asyncio.run_coroutine_threadsafe(database.read(Tx.change, kill), loop).result()
        return names

    results = await asyncio.gather(*(writer.submit(lose_connection, [name]) for name in ("one", "two")))
    assert [list(result) for result in results] == [["one"], ["two"]]
    assert runs[0] == ["one", "two"]
    assert sorted(runs[1:]) == [["one"], ["two"]]
    assert await names_in(database) == {"one", "two"}
    assert not database.availability.is_away
    await writer.close()
    await database.close()


async def test_reads_and_writes_are_unavailable_while_nobody_listens() -> None:
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    writer = Writer(database)
    writer.start()
    with pytest.raises(StoreAway):
        await names_in(database)
    with pytest.raises(StoreAway):
        await writer.submit(add_names, ["a"])
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
        await writer.submit(add_names, ["refused"])
    await writer.submit(add_names, ["taken"])
    assert await names_in(database) == {"taken"}
    await writer.close()
    await database.close()

"""Work whose caller is gone before its transaction begins is not done (contract row C-94)."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy.engine import make_url

from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.waiting import WITHIN_S, until
from tests.store.named_rows import add_names, names_in

pytestmark = pytest.mark.timeout(120)


@contextmanager
def held(url: str) -> Iterator[None]:
    """The store, kept from every writer by another one."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database), isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()
        return
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        other.execute("LOCK TABLE log_readers IN EXCLUSIVE MODE")
        yield


async def test_nothing_is_written_for_callers_who_left_while_the_store_was_held(
    database: Database, writer: Writer, database_url: str
) -> None:
    """Neither what waited, nor what began before they left and was not written."""

    async def send(name: str) -> None:
        async with asyncio.timeout(2):
            await writer.submit(add_names, [name])

    with held(database_url):
        sending = (send(f"left {number}") for number in range(100))
        results = await asyncio.gather(*sending, return_exceptions=True)
        assert [type(result) for result in results] == [TimeoutError] * 100
    assert await writer.submit(add_names, ["next"]) == ["next"]
    assert await names_in(database) == {"next"}


async def test_callers_who_stay_get_their_results_when_others_left(
    database: Database, writer: Writer, database_url: str
) -> None:
    runs: list[list[str]] = []

    def add(tx: Tx, names: list[str]) -> list[str]:
        runs.append(names)
        return add_names(tx, names)

    with held(database_url):
        leaving = [asyncio.create_task(writer.submit(add, [f"left {number}"])) for number in range(5)]
        staying = [asyncio.create_task(writer.submit(add, [f"stayed {number}"])) for number in range(5)]
        # Longer than what counts as a wait.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.gather(*leaving, *(asyncio.shield(task) for task in staying))
    results = await asyncio.gather(*staying)
    assert [list(result) for result in results] == [[f"stayed {number}"] for number in range(5)]
    assert await names_in(database) == {f"stayed {number}" for number in range(5)}


async def test_a_writer_with_a_full_queue_runs_what_comes_next_first(database: Database) -> None:
    """On PostgreSQL several transactions run at once: here all but one are kept busy."""
    size = Writer(database).concurrency
    writer = Writer(database, max_waiting=size)
    gates = [threading.Event() for _ in range(size)]
    held: list[threading.Event] = []
    order: list[str] = []

    def hold(_tx: Tx, gate: threading.Event) -> None:
        held.append(gate)
        gate.wait(WITHIN_S)

    def note(_tx: Tx, name: str) -> None:
        order.append(name)

    writer.start()
    busy = [asyncio.create_task(writer.run(hold, gate)) for gate in gates]
    await until(lambda: len(held) == size)
    waiting = [asyncio.create_task(writer.run(note, "waiting")) for _ in range(size)]
    await until(lambda: writer.waiting == size)
    urgent = asyncio.create_task(writer.run_next(note, "urgent"))
    await until(lambda: writer.waiting == size + 1)
    gates[0].set()
    await asyncio.gather(*waiting, urgent)
    assert order[0] == "urgent"
    for gate in gates:
        gate.set()
    await asyncio.gather(*busy)
    await writer.close()

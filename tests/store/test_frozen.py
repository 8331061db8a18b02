"""Nobody waits for ever: a network that is silent, a client that stands still, a lock that is kept."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.engine import make_url

from server.db.bounds import WRITING
from server.db.database import Database
from server.db.outage import StoreAway
from server.db.stalled import end_stalled
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.forwarder import network_to
from tests.harness.waiting import until
from tests.store.named_rows import add_names, names_in

# Seconds, so that a test sees them pass.
SHORT = replace(WRITING, idle_s=1, lock_s=1, statement_s=2, transaction_s=2)
pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[tuple[Writer, Database]]:
    database = Database(url)
    writer = Writer(database, limits=SHORT)
    writer.start()
    try:
        yield writer, database
    finally:
        await writer.close()
        await database.close()


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def test_writes_go_on_when_the_network_swallowed_the_open_connections(postgres_url: str) -> None:
    """Each submission is written once, with or without an open transaction at that moment."""
    with network_to(postgres_url) as (network, url):
        async with writing(url) as (writer, database):
            await asyncio.gather(*(writer.run(add_names, [f"before {number}"]) for number in range(4)))
            network.silence()
            names = [f"after {number}" for number in range(8)]
            results = await asyncio.gather(*(writer.run(add_names, [name]) for name in names))
            assert [list(result) for result in results] == [[name] for name in names]
            assert {name for name in await names_in(database) if name.startswith("after")} == set(names)


async def test_transaction_that_takes_too_long_ends_with_an_error(postgres_url: str) -> None:
    async with writing(postgres_url) as (writer, database):
        with pytest.raises(StoreAway):
            await writer.run(lambda tx: tx.rows_of_driver("SELECT pg_sleep(60)", {}))
        assert await writer.submit(add_names, ["next"]) == ["next"]
        assert not database.availability.is_away


async def test_writer_that_waits_for_a_lock_repeats_its_transaction(postgres_url: str) -> None:
    runs = 0

    def add(tx: Tx, names: list[str]) -> list[str]:
        nonlocal runs
        runs += 1
        return add_names(tx, names)

    with psycopg.connect(plain(postgres_url)) as other:
        async with writing(postgres_url) as (writer, _):
            other.execute("LOCK TABLE log_readers")
            sending = asyncio.create_task(writer.submit(add, ["later"]))
            await until(lambda: runs == 2)
            other.rollback()
            assert await sending == ["later"]


async def test_lock_that_is_never_given_back_fails_the_writer(postgres_url: str) -> None:
    with psycopg.connect(plain(postgres_url)) as other:
        async with writing(postgres_url) as (writer, database):
            other.execute("LOCK TABLE log_readers")
            with pytest.raises(StoreAway):
                await writer.submit(add_names, ["never"])
            other.rollback()
            assert await names_in(database) == set()


_IN_A_TRANSACTION = """
import sys
from sqlalchemy import insert
from server.db.database import Database
from server.db.connections import Connections
from server.db.tables.events import log_readers
database = Database(sys.argv[1])
with Connections(database.url, database.availability, read_only=False).transaction() as tx:
    tx.change(insert(log_readers), [{"reader": "x", "unit": 0, "stamp": 0, "seq": 0}])
    {act}
    print("frozen", flush=True)
    sys.stdin.read()
"""
_IN_A_PIPELINE = """
    tx.change_by_driver("INSERT INTO log_readers VALUES (%(y)s, 0, 0, 0)", [{"y": "y"}])
"""
_IN_A_COPY = """
    with tx._driver.cursor().copy("COPY log_readers (reader, unit, stamp, seq) FROM STDIN") as copy:
        copy.write_row(("y", 0, 0, 0))
        print("frozen", flush=True)
        sys.stdin.read()
"""


@contextmanager
def frozen(url: str, program: str) -> Iterator[None]:
    """A process that stands still in the midst of a transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"frozen\n"
        os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "act",
    ["    pass", _IN_A_PIPELINE, _IN_A_COPY],
    ids=["between two statements", "after many rows", "in a COPY"],
)
async def test_process_that_stands_still_in_a_transaction_stops_nobody(postgres_url: str, act: str) -> None:
    """The row that it wrote is free again, although its process never comes back."""
    database = Database(postgres_url)
    writer = Writer(database)
    writer.start()
    with frozen(postgres_url, _IN_A_TRANSACTION.replace("    {act}", act)):
        writing = asyncio.create_task(writer.submit(add_names, ["x"]))

        async def is_written() -> bool:
            await end_stalled(database)
            return writing.done()

        await until(is_written)
    assert await writing == ["x"]
    await writer.close()
    await database.close()

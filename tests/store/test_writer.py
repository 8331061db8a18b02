"""Group commit: an error fails its own caller only, and success means committed."""

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from server.db.database import Database
from server.db.tables.events import log_readers
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import DomainNotFound, Unavailable
from tests.store.named_rows import add_names, names_in


async def test_each_caller_gets_its_own_results_in_order(database: Database, writer: Writer) -> None:
    lists = [[f"{caller}-{item}" for item in range(caller + 1)] for caller in range(20)]
    results = await asyncio.gather(*(writer.submit(add_names, names) for names in lists))
    assert [list(result) for result in results] == lists
    assert await names_in(database) == {name for names in lists for name in names}


async def test_concurrent_callers_share_transactions(database: Database, writer: Writer) -> None:
    sizes: list[int] = []

    def count(tx: Tx, items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    await asyncio.gather(*(writer.submit(count, [n]) for n in range(100)))
    assert sum(sizes) == 100
    assert len(sizes) <= 2 * writer.concurrency


async def test_submission_that_cannot_be_stored_fails_alone(database: Database, writer: Writer) -> None:
    await writer.submit(add_names, ["taken"])
    good, bad, fine = await asyncio.gather(
        writer.submit(add_names, ["good"]),
        writer.submit(add_names, ["new", "taken"]),
        writer.submit(add_names, ["fine"]),
        return_exceptions=True,
    )
    assert good == ["good"]
    assert fine == ["fine"]
    assert isinstance(bad, IntegrityError)
    assert await names_in(database) == {"taken", "good", "fine"}


async def test_fault_as_an_outcome_does_not_roll_back_others(database: Database, writer: Writer) -> None:
    def judge(tx: Tx, names: list[str]) -> list[str | DomainNotFound]:
        wanted = [name for name in names if name != "bad"]
        add_names(tx, wanted)
        return [DomainNotFound(name) if name == "bad" else name for name in names]

    results = await writer.submit(judge, ["a", "bad", "b"])
    assert isinstance(results[1], DomainNotFound)
    assert await names_in(database) == {"a", "b"}


async def test_run_returns_after_its_transaction_committed(database: Database, writer: Writer) -> None:
    def write(tx: Tx) -> int:
        add_names(tx, ["one"])
        return tx.scalar(int, select(func.count()).select_from(log_readers)) or 0

    assert await writer.run(write) == 1


async def test_a_fault_raised_in_run_rolls_back(database: Database, writer: Writer) -> None:
    def write(tx: Tx) -> None:
        add_names(tx, ["one"])
        raise DomainNotFound("x")

    with pytest.raises(DomainNotFound):
        await writer.run(write)
    assert await names_in(database) == set()


async def test_cancelled_caller_does_not_fail_others(database: Database, writer: Writer) -> None:
    leaving = asyncio.create_task(writer.submit(add_names, ["leaving"]))
    staying = asyncio.create_task(writer.submit(add_names, ["staying"]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == ["staying"]
    assert "staying" in await names_in(database)


async def test_work_beyond_the_queue_limit_is_refused(database: Database) -> None:
    writer = Writer(database, max_waiting=2)
    writer.start()
    with pytest.raises(Unavailable):
        await writer.submit(add_names, ["a", "b", "c"])
    await writer.close()


async def test_close_writes_waiting_work_and_refuses_new_work(database: Database) -> None:
    writer = Writer(database)
    writer.start()
    waiting = asyncio.gather(*(writer.submit(add_names, [f"{n}"]) for n in range(10)))
    await asyncio.sleep(0)
    await writer.close()
    await waiting
    assert len(await names_in(database)) == 10
    with pytest.raises(Unavailable):
        await writer.submit(add_names, ["late"])

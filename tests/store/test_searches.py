"""A search has a budget of time, and an organisation two at once: the readers of all others stay free."""

import asyncio
import threading

import pytest
from sqlalchemy import text

from server.db.database import SEARCHES, Database
from server.db.tx import Tx
from server.faults import ValidationFailed
from tests.harness.waiting import until

ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
PROMPT = text("SELECT 1")


async def test_search_that_takes_too_long_is_refused_and_the_store_stays_in_use(database: Database) -> None:
    with pytest.raises(ValidationFailed, match="takes too long"):
        await database.search("a", Tx.scalar, int, ENDLESS)
    assert not database.availability.is_away
    assert await database.read(Tx.scalar, int, PROMPT) == 1
    assert await database.search("a", Tx.scalar, int, PROMPT) == 1


async def test_search_of_one_organisation_waits_for_its_own_alone(database: Database) -> None:
    begun: list[str] = []
    may_end = threading.Event()

    def look(tx: Tx, org_id: str) -> None:
        begun.append(org_id)
        assert may_end.wait(10)

    own = [asyncio.create_task(database.search("a", look, "a")) for _ in range(SEARCHES + 1)]
    await until(lambda: len(begun) == SEARCHES)
    other = asyncio.create_task(database.search("b", look, "b"))
    await until(lambda: "b" in begun)
    assert begun.count("a") == SEARCHES
    may_end.set()
    await asyncio.gather(*own, other)
    assert begun.count("a") == SEARCHES + 1


async def test_search_that_was_given_up_keeps_its_turn_until_its_thread_is_free(database: Database) -> None:
    begun: list[str] = []
    may_end = threading.Event()

    def look(tx: Tx, name: str) -> None:
        begun.append(name)
        assert may_end.wait(10)

    given_up = [asyncio.create_task(database.search("a", look, "first")) for _ in range(SEARCHES)]
    await until(lambda: len(begun) == SEARCHES)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    last = asyncio.create_task(database.search("a", look, "last"))
    await database.read(Tx.scalar, int, PROMPT)
    assert "last" not in begun
    may_end.set()
    await last
    assert "last" in begun

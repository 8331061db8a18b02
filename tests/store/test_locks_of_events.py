"""Locks on the heads of the log: two transactions in a given order."""

import pytest

from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.rows import BEGINNING
from server.ids import new_id
from tests.harness.interleaving import Pair

# Of two units.
FIRST, SECOND = "0" * 23 + "1", "0" * 23 + "2"


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


def entry(org_id: str) -> log.Entry:
    return log.Entry(org_id=org_id, email_id=new_id(), type="email.sent", created_at=1)


def append(tx: Tx, *entries: log.Entry) -> None:
    """Appends entries and takes their places now, as a transaction does before it commits."""
    log.append(tx, entries)
    tx.run_deferred()


async def test_places_are_given_in_the_order_of_the_commits(database: Database, pair: Pair) -> None:
    first, second = pair
    early, late, other = entry(FIRST), entry(FIRST), entry(SECOND)
    first.run(append, early)
    waiting = second.begin(append, late)
    assert second.waits(waiting)
    assert await database.read(log.read, FIRST, BEGINNING, 10) == []
    first.commit()
    second.result(waiting)
    second.run(append, other)
    second.commit()
    rows = await database.read(log.read, FIRST, BEGINNING, 10)
    assert [row.id for row in rows] == [early.id, late.id]


async def test_units_are_locked_in_one_order(database: Database, writer: Writer, pair: Pair) -> None:
    """The second transaction waits for the first unit without the second one, which the first still needs."""
    # Now the row of the first unit lies behind that of the second, and is found after it.
    await writer.run(append, entry(FIRST))
    first, second = pair
    first.run(append, entry(FIRST))
    waiting = second.begin(append, entry(SECOND), entry(FIRST))
    assert second.waits(waiting)
    first.run(append, entry(SECOND))
    first.commit()
    second.result(waiting)
    second.commit()
    assert len(await database.read(log.read, SECOND, BEGINNING, 10)) == 2

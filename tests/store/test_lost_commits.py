"""A COMMIT whose answer was lost is looked up on a fresh connection (contract row C-94)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from server.db.database import Database
from server.db.migrate import upgrade
from server.db.outage import CommitUnknown
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.cluster import running_node
from tests.harness.forwarder import Forwarder, Lost, network_to
from tests.harness.stack import free_port
from tests.harness.waiting import until
from tests.store.named_rows import add_names, names_in

GROUP = ("one", "two", "three")


class Counted:
    """The act `add_names`, which counts the transactions that it was a part of."""

    def __init__(self) -> None:
        self.runs = 0

    def add(self, tx: Tx, names: list[str]) -> list[str]:
        """See `add_names`."""
        self.runs += 1
        return add_names(tx, names)


@pytest.fixture
def network(postgres_url: str) -> Iterator[tuple[Forwarder, str]]:
    """The network between us and a fresh PostgreSQL store, and the URL that leads through it."""
    with network_to(postgres_url) as network:
        yield network


@pytest.fixture
async def far(network: tuple[Forwarder, str]) -> AsyncIterator[Writer]:
    """A writer at the other end of the network."""
    database = Database(network[1])
    writer = Writer(database)
    writer.start()
    await writer.submit(add_names, ["before"])
    yield writer
    await writer.close()
    await database.close()


@pytest.fixture
async def near(postgres_url: str) -> AsyncIterator[Database]:
    """The store, seen without that network."""
    database = Database(postgres_url)
    yield database
    await database.close()


async def test_commit_whose_answer_was_lost_is_a_success(
    network: tuple[Forwarder, str], far: Writer, near: Database
) -> None:
    network[0].lose("answer")
    results = await asyncio.gather(*(far.submit(add_names, [name]) for name in GROUP))
    assert [list(result) for result in results] == [[name] for name in GROUP]
    assert network[0].lost == 1
    assert await names_in(near) == {"before", *GROUP}


@pytest.mark.parametrize("lost", ["commit", "answer"])
async def test_callers_are_answered_with_what_is_stored_whatever_was_lost(
    network: tuple[Forwarder, str], far: Writer, near: Database, lost: Lost
) -> None:
    """A COMMIT that never came was no commit: the submissions run again, each once."""
    network[0].lose(lost, times=3)
    names = [f"name {number}" for number in range(6)]
    results = await asyncio.gather(*(far.run(add_names, [name]) for name in names))
    assert [list(result) for result in results] == [[name] for name in names]
    assert network[0].lost == 3
    assert await names_in(near) == {"before", *names}


async def test_outcome_that_cannot_be_known_is_said_to_be_unknown_and_not_repeated() -> None:
    """After a crash the numbers of lost transactions may belong to others."""
    with running_node() as (node, _), network_to(node.url) as (network, url):
        await asyncio.to_thread(upgrade, node.url)
        database, act = Database(url), Counted()
        writer = Writer(database)
        writer.start()
        await writer.submit(add_names, ["before"])
        # From the loss on nobody is reached, until the database is back.
        network.lose("commit", then=free_port())
        sending = asyncio.create_task(writer.submit(act.add, ["lost"]))
        await until(lambda: network.lost == 1)
        await asyncio.to_thread(node.stop, "immediate")
        await asyncio.to_thread(node.start)
        network.lead_to(node.port)
        with pytest.raises(CommitUnknown, match="Idempotency-Key"):
            await sending
        assert act.runs == 1
        assert await names_in(database) == {"before"}
        await writer.close()
        await database.close()

"""Rows that a process holds longer than their leases, and rows that it owns unheld after an outage."""

import asyncio
import os
from pathlib import Path

import pytest

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.journal import Journal, abandoned
from server.delivery.recovery import Recovery
from server.delivery.store import LeasedQueue
from server.delivery.verdict import RetryPolicy
from server.faults import Unavailable
from server.ids import new_id
from server.queue.rows import Release
from tests.delivery.queued import enqueue, new_org, rows_of
from tests.harness.clock import ManualClock
from tests.harness.stack import free_port
from tests.harness.waiting import until

LEASE_S = 60.0
PATIENCE = RetryPolicy(86_400_000, 600_000)


async def test_recovery_skips_rows_that_this_process_still_holds(
    database: Database, writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    """Its message may be on the wire: given back as unsent it would go out twice, without a flag."""
    queue = LeasedQueue(database, writer, clock, new_id(), LEASE_S)
    await enqueue(writer, rows_of(await new_org(writer), ["ada@receiver.test"]))
    [row] = await queue.claim(10)
    clock.advance(LEASE_S + 1)
    await Recovery(queue, tmp_path, clock, PATIENCE, {row.key}).reclaim()
    assert await queue.claim(10) == []
    await Recovery(queue, tmp_path, clock, PATIENCE, set()).reclaim()
    assert [again.key.email_id for again in await queue.claim(10)] == [row.key.email_id]


async def test_rows_of_a_claim_whose_answer_was_lost_are_due_again_at_once(
    database: Database, writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    """Nobody tried them, so they are not uncertain; what is held stays held."""
    queue = LeasedQueue(database, writer, clock, new_id(), LEASE_S)
    org_id = await new_org(writer)
    await enqueue(writer, rows_of(org_id, ["held@receiver.test"]))
    [held] = await queue.claim(10)
    await enqueue(writer, rows_of(org_id, ["lost@receiver.test"]))
    [lost] = await queue.claim(10)
    recovery = Recovery(queue, tmp_path, clock, PATIENCE, {held.key})
    queue.unsure.add()
    await recovery.return_unheld()
    [again] = await queue.claim(10)
    assert again.key.email_id == lost.key.email_id
    assert (again.attempts, again.crashes, again.uncertain) == (0, 0, False)


async def test_release_that_fails_while_a_claim_succeeds_is_not_forgotten(
    database: Database, writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    """Else no process would have its rows until their lease runs out."""
    owner = new_id()
    await enqueue(writer, rows_of(await new_org(writer), ["ada@receiver.test"]))
    [row] = await LeasedQueue(database, writer, clock, owner, LEASE_S).claim(10)
    full = Writer(database, max_waiting=1)
    queue = LeasedQueue(database, full, clock, owner, LEASE_S)
    claiming = asyncio.create_task(queue.claim(10))
    await until(lambda: full.waiting == 1)
    with pytest.raises(Unavailable):
        await queue.release([Release(row.key)])
    full.start()
    assert await claiming == []
    await Recovery(queue, tmp_path, clock, PATIENCE, set()).return_unheld()
    assert [again.key.email_id for again in await queue.claim(10)] == [row.key.email_id]
    await full.close()


async def test_claim_that_fails_lets_the_queue_look_for_its_rows(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    closed = Writer(database)
    closed.start()
    await closed.close()
    queue = LeasedQueue(database, closed, clock, new_id(), LEASE_S)
    with pytest.raises(Unavailable):
        await queue.claim(10)
    assert queue.unsure.count
    await Recovery(queue, tmp_path, clock, PATIENCE, set()).return_unheld()
    assert not queue.unsure.count


async def test_journal_of_an_engine_is_read_again_if_the_store_went_away_meanwhile(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """The receivers' replies in it must not be lost."""
    journal = Journal(tmp_path, new_id())
    os.close(journal._lock)
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    writer = Writer(away)
    queue = LeasedQueue(away, writer, clock, new_id(), LEASE_S)
    with pytest.raises(Unavailable):
        await Recovery(queue, tmp_path, clock, PATIENCE, set()).adopt()
    [again] = abandoned(tmp_path)
    assert again.owner == journal._path.name
    again.leave()
    await away.close()

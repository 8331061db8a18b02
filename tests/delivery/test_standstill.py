"""A process paused for longer than its leases finds its own rows expired when it resumes."""

from pathlib import Path

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.recovery import Recovery
from server.delivery.store import LeasedQueue
from server.delivery.verdict import RetryPolicy
from server.ids import new_id
from tests.delivery.queued import enqueue, new_org, rows_of
from tests.harness.clock import ManualClock

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

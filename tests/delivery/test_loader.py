"""Lists of mail that is loaded together."""

from pathlib import Path

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.journal import Journal
from server.delivery.loader import Loader
from server.delivery.memory_budget import LARGE
from server.delivery.prepare import Preparer
from server.delivery.store import LeasedQueue
from server.delivery.transports.choose import transport_of
from server.net.dns import Resolver
from server.queue.rows import LeaseKey
from server.settings import Settings
from server.turns import Shares
from server.work.lease import Leases
from tests.delivery.queued import SECRET, enqueue, new_org, rows_of, seal
from tests.harness.clock import ManualClock

ALL = 1_000


async def test_large_message_leaves_lists_of_small_ones_as_long_as_they_were(
    database: Database, writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    """Row C-88: small mail waits for one large message between two of its lists, not for one after each."""
    settings = Settings(data_dir=tmp_path, database_url="", secret=SECRET)
    queue = LeasedQueue(database, writer, clock, "me", 60)
    leases: Leases[LeaseKey] = Leases("leases", queue.renew, 60)
    preparer = Preparer(database, seal(), clock, 60, "system.example")
    transport = transport_of(settings, Resolver(settings))
    journal = Journal(tmp_path / "journal", "me")
    loader = Loader(queue, preparer, journal, transport, leases)
    (large,) = await enqueue(
        writer, rows_of(await new_org(writer), ["ada@receiver.test"], files=(bytes(9 << 20),))
    )
    org_id = await new_org(writer)
    small = [sent for _ in range(4) for sent in await enqueue(writer, rows_of(org_id, ["eve@receiver.test"]))]
    claimed = await queue.claim(ALL, Shares(ALL))
    loaded = await loader.load([row for row in claimed if row.key.email_id == large.id])
    assert [len(job.letter.content) > LARGE for job in loaded.jobs] == [True]
    loader.add(row for row in claimed if row.key.email_id != large.id)
    rows = loader.next_list() or []
    assert {row.key.email_id for row in rows} == {sent.id for sent in small}
    await journal.close()
    await transport.close()

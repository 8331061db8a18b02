"""Recovery after an engine crashed: no mail is lost, and possible duplicates are flagged (RFC 1047)."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from server.db.connections import Connections
from server.db.database import Database
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.journal import Journal
from server.delivery.record import Attempt, settlement
from server.delivery.recovery import MAX_CRASHES, Recovery
from server.delivery.store import LeasedQueue
from server.delivery.verdict import Outcome, RetryPolicy, Verdict
from server.ids import new_id
from server.queue import store as queue
from server.queue.rows import Claimed, LeaseKey
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import (
    Queued,
    domain_of,
    enqueue,
    events_of,
    new_org,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

MINUTE_MS = 60_000
PATIENCE = RetryPolicy(4 * 86_400_000, 10 * MINUTE_MS)
TAKEN = Outcome(Verdict.DELIVERED, 250, "2.0.0", "taken before the crash", "mx.test")


class DeadEngine:
    """An engine that claimed everything, wrote some of its journal, and died."""

    def __init__(self, database: Database, writer: Writer, clock: ManualClock, folder: Path) -> None:
        self.queue = LeasedQueue(database, writer, clock, new_id(), lease_s=60)
        self.journal = Journal(folder, self.queue.owner)
        self.rows: dict[str, Claimed] = {}

    async def claim(self) -> None:
        self.rows = {row.key.email_id: row for row in await self.queue.claim(100)}

    def row(self, email: Queued) -> Claimed:
        return self.rows[email.id]

    def taken(self, email: Queued, address: str) -> None:
        row = self.row(email)
        attempt = Attempt(row.key, address, START_MS, row.attempts, row.uncertain, alone=True)
        self.journal.done([settlement(attempt, TAKEN, START_MS, PATIENCE)])

    def die(self) -> None:
        os.close(self.journal._lock)


@pytest.fixture
async def dead(database: Database, writer: Writer, clock: ManualClock, tmp_path: Path) -> DeadEngine:
    return DeadEngine(database, writer, clock, tmp_path / "journal")


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as sink:
        yield sink


async def is_status(database: Database, email: Queued, status: str) -> bool:
    return await status_of(database, email) == status


async def test_recovery_reads_sent_messages_from_the_journal(
    database: Database,
    writer: Writer,
    dead: DeadEngine,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    org_id = await new_org(writer)
    answered, unanswered, unsent, withdrawn = await enqueue(
        writer, *(rows_of(org_id, [f"ok+{n}@r.test"]) for n in range(4))
    )
    await dead.claim()
    for email in (answered, unanswered, withdrawn):
        await dead.journal.dot([dead.row(email).key])
    dead.taken(answered, "ok+0@r.test")
    dead.journal.undone([dead.row(withdrawn).key])
    dead.die()

    engine = await start_engine(sink.url)
    for email in (answered, unsent, withdrawn):
        await until(lambda email=email: is_status(database, email, "delivered"))
    assert sorted(r for m in sink.messages for r in m.rcpts) == ["ok+2@r.test", "ok+3@r.test"]
    [event] = await events_of(database, answered)
    assert (event.type, event.reply_text) == ("email.delivered", "taken before the crash")

    # Uncertain: not before ten minutes, with the same Message-ID, and flagged.
    assert await status_of(database, unanswered) == "delivery_delayed"
    [row] = await queue_of(database)
    assert row.uncertain
    assert START_MS + 10 * MINUTE_MS <= row.due_at <= START_MS + 12 * MINUTE_MS
    clock.advance(12 * 60)
    engine.wake()
    await until(lambda: is_status(database, unanswered, "delivered"))
    assert sink.to("ok+1@r.test")[0].header("Message-ID") == f"<{unanswered.id}@{domain_of(org_id)}>"
    delayed, delivered = await events_of(database, unanswered)
    assert (delayed.type, delayed.possible_duplicate, delayed.attempt) == ("email.delivery_delayed", False, 1)
    assert (delivered.type, delivered.possible_duplicate, delivered.attempt) == ("email.delivered", True, 2)


async def test_a_lost_reply_is_repeated_with_the_same_bytes_and_flagged(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine, clock: ManualClock
) -> None:
    org_id = await new_org(writer)
    [email] = await enqueue(writer, rows_of(org_id, ["drop-after-dot@r.test"]))
    engine = await start_engine(sink.url)
    await until(lambda: is_status(database, email, "delivery_delayed"))
    [row] = await queue_of(database)
    assert row.due_at >= START_MS + 10 * MINUTE_MS
    clock.advance(12 * 60)
    engine.wake()
    await until(lambda: len(sink.messages) == 2)
    first, second = sink.messages
    assert first.data == second.data

    async def events() -> list[tuple[str, bool]]:
        return [(event.type, event.possible_duplicate) for event in await events_of(database, email)]

    await until(lambda: _are(events, [("email.delivery_delayed", False), ("email.delivery_delayed", True)]))


async def _are(read: object, expected: object) -> bool:
    return await read() == expected  # type: ignore[operator]


async def test_only_the_message_that_crashes_the_engine_is_given_up(
    database: Database,
    writer: Writer,
    clock: ManualClock,
    tmp_path: Path,
    start_engine: StartEngine,
    sink: SmtpSink,
) -> None:
    org_id = await new_org(writer)
    poison, neighbour = await enqueue(
        writer, rows_of(org_id, ["poison@r.test"]), rows_of(org_id, ["ok@r.test"])
    )
    for _ in range(MAX_CRASHES - 1):
        dead = DeadEngine(database, writer, clock, tmp_path / "journal")
        await dead.claim()
        dead.journal.preparing([dead.row(poison).key])
        dead.die()
        # Only takes over, so that nothing is delivered yet.
        queue = LeasedQueue(database, writer, clock, new_id(), lease_s=60)
        await Recovery(queue, tmp_path / "journal", clock, PATIENCE, ()).adopt()
    crashes = {row.email_id: row.crashes for row in await queue_of(database)}
    assert crashes == {poison.id: MAX_CRASHES - 1, neighbour.id: 0}
    dead = DeadEngine(database, writer, clock, tmp_path / "journal")
    await dead.claim()
    dead.journal.preparing([dead.row(poison).key])
    dead.die()
    await start_engine(sink.url)
    await until(lambda: is_status(database, neighbour, "delivered"))
    assert await status_of(database, poison) == "failed"
    [event] = await events_of(database, poison)
    assert event.type == "email.failed"
    assert "given up" in str(event.reply_text)
    assert sink.to("poison@r.test") == []


async def test_rows_of_an_engine_on_another_machine_come_back_as_uncertain_when_its_lease_ends(
    database: Database,
    writer: Writer,
    clock: ManualClock,
    tmp_path: Path,
    start_engine: StartEngine,
    sink: SmtpSink,
) -> None:
    org_id = await new_org(writer)
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    dead = DeadEngine(database, writer, clock, tmp_path / "elsewhere")
    await dead.claim()
    engine = await start_engine(sink.url, lease_s=0.3)
    clock.advance(61)
    await until(lambda: _is_uncertain(database))
    [row] = await queue_of(database)
    assert (row.crashes, row.lease_until) == (1, None)
    assert row.due_at >= clock.now_ms() + 9 * MINUTE_MS
    clock.advance(11 * 60)
    engine.wake()
    await until(lambda: is_status(database, email, "delivered"))
    [event] = await events_of(database, email)
    assert event.possible_duplicate
    dead.die()


async def _is_uncertain(database: Database) -> bool:
    return all(row.uncertain for row in await queue_of(database))


async def test_running_engine_on_this_machine_keeps_its_rows(
    database: Database, writer: Writer, dead: DeadEngine, sink: SmtpSink, start_engine: StartEngine
) -> None:
    org_id = await new_org(writer)
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await dead.claim()
    engine = await start_engine(sink.url, lease_s=0.3)
    await engine._recovery.reclaim()
    assert await engine._queue.claim(10) == []
    [recipient] = await recipients_of(database, email)
    assert recipient.status == "queued"
    dead.die()
    assert await engine._recovery.adopt() == 1
    engine.wake()
    await until(lambda: is_status(database, email, "delivered"))


class RenewedMeanwhile:
    """The keys of a server that holds none: another one renews its lease as they are looked at last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.looks = 0

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, LeaseKey)
        self.looks += 1
        if self.looks == 1:
            # The recovery looks for a journal of the holder, and then again for what has expired.
            return False
        connections = Connections(self._database.url, self._database.availability, read_only=False)
        with connections.transaction() as tx:
            assert queue.leased(tx, [key]) == {key}
            queue.renew(tx, [key], START_MS + 10 * MINUTE_MS)
        connections.close()
        return False


@pytest.mark.parametrize("crashes", [0, MAX_CRASHES])
async def test_lease_that_was_renewed_meanwhile_is_not_taken_back(
    database: Database, writer: Writer, clock: ManualClock, org_id: str, tmp_path: Path, crashes: int
) -> None:
    """Its mail would be sent twice, or be given up while it is sent."""
    await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await writer.run(Tx.change, update(delivery_queue).values(crashes=crashes))
    living, other = (LeasedQueue(database, writer, clock, new_id(), lease_s=60) for _ in range(2))
    [row] = await living.claim(1)
    meanwhile = RenewedMeanwhile(database)
    recovery = Recovery(other, tmp_path / "journal", clock, PATIENCE, meanwhile)
    await recovery.reclaim()  # which gives living engines time to renew
    clock.advance(61)
    await recovery.reclaim()
    assert meanwhile.looks == 2
    [stored] = await queue_of(database)
    assert (stored.lease_owner, stored.lease_token) == (living.owner, row.key.token)
    assert stored.lease_until == START_MS + 10 * MINUTE_MS

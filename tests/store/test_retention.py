"""Old data is deleted, all else stays, and the store does not grow (F-13), on both engines."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from server.db.database import Database
from server.db.keys import keys_parameter
from server.db.tables.emails import email_contents, emails, recipients
from server.db.tables.events import events, log_readers
from server.db.tables.operators import operator_entries
from server.db.tables.stats import daily_counts
from server.db.tables.suppressions import suppressions
from server.db.tables.webhooks import webhook_calls
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails import store as email_store
from server.events import log
from server.events.log import Entry
from server.events.reader import Reader
from server.events.rows import Place
from server.ids import least_id_of, new_id
from server.retention import emails as emails_kind
from server.retention.captured import CapturedSweep
from server.retention.kinds import BY_ID, Bound, keys_of
from server.retention.policy import DAY_MS, change_own_days
from server.suppressions import store as suppression_store
from tests.delivery.queued import new_org
from tests.harness.clock import ManualClock
from tests.harness.rows import row_count, stored
from tests.store.keeping import DAYS, EMAILS_A_DAY, KEPT, Keeping

WITHOUT_TWINS = "what is old is deleted of all organisations, twins too"

DAY_S = DAY_MS // 1000


@pytest.fixture
async def keeping(database: Database, writer: Writer) -> AsyncIterator[Keeping]:
    """Two organisations without any data."""
    keeping = Keeping(database, writer, sorted([await new_org(writer), await new_org(writer)]))
    await keeping.begin()
    return keeping


async def test_store_does_not_grow_in_a_year(keeping: Keeping) -> None:
    """Once everything is old, the store has the same rows after each sweep, and on the disk it stays as large
    as it was. The statistics are of the whole year."""
    full: dict[str, int] = {}
    sizes = []
    for turn in range(1, 74):
        await keeping.fill(5)
        await keeping.sweep()
        keeping.vacuum()
        if turn == 10:
            full = await keeping.counts()
        if turn >= 10:
            sizes.append(keeping.size())
        if turn % 20 == 0:
            assert await keeping.counts() == full
    assert max(sizes[-10:]) <= max(sizes[:10]) * 1.02
    assert full["emails"] == 2 * EMAILS_A_DAY * DAYS["emails"]
    assert full["email_contents"] == 2 * EMAILS_A_DAY * DAYS["bodies"]
    assert full["webhook_calls"] == 4 * EMAILS_A_DAY * DAYS["webhook_calls"]
    assert await row_count(keeping.database, daily_counts) == 2 * 365


async def test_each_kind_is_kept_for_its_days(keeping: Keeping) -> None:
    await keeping.fill(30)
    before = await keeping.counts()
    await keeping.sweep()
    after = await keeping.counts()
    a_day = {table.name: before[table.name] // 30 for table in KEPT}
    assert after == {table.name: days * a_day[table.name] for table, days in KEPT.items()}
    await keeping.sweep()
    assert await keeping.counts() == after


async def test_organisation_keeps_its_data_for_its_own_days(keeping: Keeping, writer: Writer) -> None:
    long, short = keeping.org_ids
    await writer.run(change_own_days, long, {"bodies": 25, "audit": 1})
    await writer.run(change_own_days, short, {"bodies": 1, "emails": 25, "events": 2})
    await keeping.fill(30)
    await keeping.sweep()

    async def days_of(org_id: str, table: object) -> int:
        query = select(table.c.org_id).where(table.c.org_id == org_id)  # type: ignore[attr-defined]
        return len(await stored(keeping.database, query)) // EMAILS_A_DAY

    assert [await days_of(org_id, email_contents) for org_id in (long, short)] == [20, 1]
    assert [await days_of(org_id, emails) for org_id in (long, short)] == [20, 25]
    assert [await days_of(org_id, events) for org_id in (long, short)] == [20, 4]
    await writer.run(change_own_days, short, {"emails": None})
    await keeping.sweep()
    assert await days_of(short, emails) == 20


async def test_email_without_its_content_is_shown_with_all_else(keeping: Keeping) -> None:
    await keeping.fill(7)
    org_id = keeping.org_ids[0]
    [oldest, *_] = await stored(
        keeping.database, select(emails.c.id).where(emails.c.org_id == org_id).order_by(emails.c.id)
    )
    found = await keeping.database.read(email_store.details, org_id, oldest.id)
    assert found is not None
    assert found.content is not None
    await keeping.sweep()
    shown = await keeping.database.read(email_store.details, org_id, oldest.id)
    assert shown is not None
    assert shown.content is None
    assert (shown.email, shown.recipients, shown.events) == (found.email, found.recipients, found.events)


@pytest.mark.parametrize("status", ["scheduled", "queued", "delivery_delayed"])
async def test_mail_that_is_still_to_be_sent_is_kept(keeping: Keeping, writer: Writer, status: str) -> None:
    await keeping.fill(1)
    org_id = keeping.org_ids[1]
    waiting = recipients.c.org_id == org_id
    await writer.run(Tx.change, update(recipients).where(waiting).values(status=status))
    keeping.clock.advance(100 * DAY_S)
    await keeping.sweep()
    for table in (emails, email_contents):
        kept = await stored(keeping.database, select(table.c.org_id))
        assert [row.org_id for row in kept] == [org_id] * EMAILS_A_DAY
    await writer.run(Tx.change, update(recipients).where(waiting).values(status="delivered"))
    await keeping.sweep()
    assert await row_count(keeping.database, emails) == 0


async def test_events_that_a_reader_has_still_to_read_are_kept(keeping: Keeping, writer: Writer) -> None:
    await keeping.fill(3)
    keeping.clock.advance(100 * DAY_S)
    await writer.submit(Reader("slow").register, [None])
    slow = update(log_readers).where(log_readers.c.reader == "slow")
    await writer.run(Tx.change, slow.values(stamp=1, seq=7))
    await keeping.sweep()
    seqs = [row.seq for row in await stored(keeping.database, select(events.c.seq))]
    assert min(seqs) >= 8
    assert len(seqs) > EMAILS_A_DAY
    await writer.run(Tx.change, update(log_readers).values(seq=max(seqs)))
    await keeping.sweep()
    assert await stored(keeping.database, select(events.c.seq)) == []
    # The places go on where they were, and the old cursor of a caller stays good.
    org_id = keeping.org_ids[0]
    entry = Entry(org_id=org_id, email_id="", type="account.healthy", created_at=0, details="{}")
    await writer.run(log.append, [entry])
    rows = await keeping.database.read(log.read, org_id, Place(1, max(seqs)), 10)
    assert [row.id for row in rows] == [entry.id]


async def test_calls_that_are_still_to_be_made_are_kept(keeping: Keeping, writer: Writer) -> None:
    await keeping.fill(1)
    org_id = keeping.org_ids[0]
    pending = update(webhook_calls).where(webhook_calls.c.org_id == org_id).values(status="pending", due_at=1)
    await writer.run(Tx.change, pending)
    keeping.clock.advance(100 * DAY_S)
    await keeping.sweep()
    kept = await stored(keeping.database, select(webhook_calls.c.org_id))
    assert {row.org_id for row in kept} == {org_id}
    assert len(kept) == 2 * EMAILS_A_DAY


async def test_call_that_is_replayed_while_its_deletion_begins_is_kept(
    keeping: Keeping, writer: Writer
) -> None:
    """The answer to its owner said that it is made again."""
    await keeping.fill(1)
    keeping.clock.advance(100 * DAY_S)
    [kind] = [kind for kind in BY_ID if kind.name == "webhook_calls"]
    org_id = keeping.org_ids[0]
    found = await keeping.database.read(kind.find, [Bound(org_id, keeping.clock.now_ms())])
    assert len(found) == 2 * EMAILS_A_DAY
    of_org = webhook_calls.c.org_id == org_id
    await writer.run(Tx.change, update(webhook_calls).where(of_org).values(status="pending", due_at=1))
    await writer.run(kind.delete, found)
    assert len(await stored(keeping.database, select(webhook_calls.c.event_id).where(of_org))) == len(found)


async def test_servers_that_sweep_at_the_same_time_delete_what_one_would(
    keeping: Keeping, database: Database
) -> None:
    await keeping.fill(30)
    other = Writer(database)
    if database.is_sqlite:
        # One process owns the file.
        other = keeping.writer
    else:
        other.start()

    async def all_of(writer: Writer) -> None:
        for sweep in keeping.sweeps(writer):
            while await sweep.step():
                pass

    await asyncio.gather(all_of(keeping.writer), all_of(other), all_of(other))
    counts = await keeping.counts()
    assert counts["emails"] == 2 * EMAILS_A_DAY * DAYS["emails"]
    assert counts["events"] == 4 * EMAILS_A_DAY * DAYS["events"]
    assert await row_count(database, operator_entries) == DAYS["audit"]
    if other is not keeping.writer:
        await other.close()


async def test_captured_files_are_deleted_by_the_days_of_their_organisations(
    keeping: Keeping, writer: Writer, tmp_path: Path
) -> None:
    await keeping.fill(30)
    long, _ = keeping.org_ids
    await writer.run(change_own_days, long, {"captured": 15})
    rows = await stored(keeping.database, select(emails.c.org_id, emails.c.id))
    folder = tmp_path / "captured"
    folder.mkdir()
    for row in rows:
        (folder / f"{row.id}.0.eml").write_bytes(b"x")
    unknown, unfinished = least_id_of(keeping.clock.now_ms() - 6 * DAY_MS), new_id()
    (folder / f"{unknown}.0.eml").write_bytes(b"x")
    (folder / f".{least_id_of(0)}.0.eml").write_bytes(b"x")
    (folder / "README").write_bytes(b"Not ours.")
    (folder / f"{unfinished}.1.eml").write_bytes(b"x")
    sweep = CapturedSweep(folder, DAYS["captured"], keeping.database, keeping.clock, limit=7)
    while await sweep.step():
        pass
    left = set(os.listdir(folder))
    now = keeping.clock.now_ms()
    expected = {
        f"{row.id}.0.eml"
        for row in rows
        if int(row.id[:12], 16) >= now - (15 if row.org_id == long else DAYS["captured"]) * DAY_MS
    }
    assert left >= expected
    assert len(expected) == EMAILS_A_DAY * (15 + DAYS["captured"])
    assert left - expected <= {"README", f"{unfinished}.1.eml"}
    assert "README" in left
    gone = CapturedSweep(tmp_path / "none", 1, keeping.database, keeping.clock)
    assert not await gone.step()


async def test_expired_suppressions_are_deleted(keeping: Keeping, writer: Writer) -> None:
    clock = ManualClock()
    for address, expires_at in (("old@example.org", clock.now_ms()), ("new@example.org", None)):
        row = {
            **{"org_id": keeping.org_ids[0], "address": address, "id": new_id(), "origin": "manual"},
            **{"created_at": 0, "expires_at": expires_at},
        }
        await writer.run(Tx.change, insert(suppressions), row)
    assert not await writer.run(suppression_store.sweep, clock.now_ms() - 1)
    assert await row_count(keeping.database, suppressions) == 2
    await writer.run(suppression_store.sweep, clock.now_ms())
    left = await stored(keeping.database, select(suppressions.c.address))
    assert [row.address for row in left] == ["new@example.org"]


async def test_looking_for_old_rows_reads_no_large_table_as_a_whole(keeping: Keeping) -> None:
    """Though one organisation has nearly all rows; SQLite plans every such statement by the index."""
    await keeping.fill(200)
    keeping.analyze()
    bounds = [Bound(org_id, 0) for org_id in (*keeping.org_ids, *(new_id() for _ in range(98)))]
    parameters = {"keys": keys_parameter(keys_of(bounds)), "limit": 50}
    tables = "emails|email_contents|recipients|webhook_calls|webhook_attempts"
    for statement in [emails_kind._OLD, *(kind.statement for kind in BY_ID)]:
        plan = await keeping.database.read(plan_of, statement, parameters)
        assert not re.search(rf"Seq Scan on ({tables})\b|SCAN t\b|SCAN r\b", plan), plan


def plan_of(tx: Tx, statement: Any, parameters: dict[str, object]) -> str:
    """The plan of a statement, as the engine prints it."""
    explain = "EXPLAIN QUERY PLAN" if tx.is_sqlite else "EXPLAIN"
    _, rows = tx.rows_of_driver(f"{explain} {statement.of(tx.engine)}", parameters)
    return "\n".join(str(row[-1]) for row in rows)

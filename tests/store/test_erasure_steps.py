"""Erasures go on in small steps, on both engines: kills, several processes, readers of the log (F-13)."""

import asyncio

import pytest
from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.emails import recipients
from server.db.tables.privacy import erasures
from server.db.tables.webhooks import webhook_calls
from server.db.tx import Tx
from server.privacy import eraser, erasure_store
from server.work.jobs import Moved
from tests.delivery.queued import recipients_of
from tests.harness.rows import stored
from tests.store.erasing import ADA, BOB, Erasing


async def test_erasure_resumes_after_a_kill_and_repeats_nothing(
    erasing: Erasing, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is by another process; each dies once before its commit."""
    monkeypatch.setattr(eraser, "WINDOW", 3)
    monkeypatch.setattr(eraser, "BATCH", 2)
    monkeypatch.setattr(eraser, "ENTRIES", 1)
    for _ in range(4):
        await erasing.send_to_her_alone()
        await erasing.send(BOB)
    await erasing.note()
    await erasing.read_log()
    row = await erasing.request()
    advance, killed = erasure_store.advance, 0

    def dies(tx: Tx, *args: object) -> None:
        nonlocal killed
        advance(tx, *args)  # type: ignore[arg-type]
        killed += 1
        if killed % 2:
            raise ConnectionError

    monkeypatch.setattr(erasure_store, "advance", dies)
    for _ in range(200):
        erasing.eraser = erasing.another_eraser()
        try:
            await erasing.eraser.step()
        except ConnectionError:
            continue
        await erasing.read_log()
    done = await erasing.database.read(erasure_store.get, row.org_id, row.id)
    assert done is not None
    assert done.completed_at is not None
    assert done.email_count == 4
    assert killed > 10
    assert await erasing.personal() == {}


async def test_two_processes_erase_together(erasing: Erasing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eraser, "WINDOW", 2)
    for _ in range(6):
        await erasing.send_to_her_alone()
    await erasing.read_log()
    row, others = await erasing.request(), [erasing.another_eraser() for _ in range(3)]
    for _ in range(100):
        await asyncio.gather(*(each.step() for each in others))
        await erasing.read_log()
    done = await erasing.database.read(erasure_store.get, row.org_id, row.id)
    assert done is not None
    assert (done.completed_at is not None, done.email_count) == (True, 6)
    assert await erasing.personal() == {}


async def test_process_with_an_old_row_changes_nothing(erasing: Erasing, database: Database) -> None:
    row = await erasing.request()
    await erasing.eraser.step()
    with pytest.raises(Moved):
        await erasing.writer.run(erasure_store.advance, row, erasure_store.Step("completed"), 1)
    assert (await database.read(erasure_store.get, row.org_id, row.id)) != row


async def test_call_that_a_reader_made_before_is_found_by_the_second_walk(
    erasing: Erasing, database: Database
) -> None:
    """The reader has read the event with the address, and adds its call only after the first walk."""
    await erasing.send_to_her_alone()
    row = await erasing.request()
    await erasing.eraser.step()
    assert not await stored(database, select(webhook_calls.c.event_id))
    await erasing.finish(row)
    assert await stored(database, select(webhook_calls.c.event_id))
    assert await erasing.personal() == {}


async def test_call_that_a_reader_adds_during_the_first_walk_is_found_by_the_second(
    erasing: Erasing, database: Database
) -> None:
    """It was made of an event as it was before; the email has the stand-in by then."""
    await erasing.send_to_both()
    await erasing.read_log()
    [before] = await stored(database, select(webhook_calls))
    assert ADA.encode() in before.body.lower()
    row = await erasing.request()
    while await stored(database, select(erasures.c.id).where(erasures.c.phase == "emails")):
        await erasing.eraser.step()
    await erasing.writer.run(Tx.change, update(webhook_calls).values(body=before.body))
    await erasing.finish(row)
    assert await erasing.personal() == {}


async def test_second_walk_waits_for_the_readers_of_the_log(erasing: Erasing, database: Database) -> None:
    await erasing.read_log()
    await erasing.send(BOB)
    row = await erasing.request()
    for _ in range(5):
        await erasing.eraser.step()
    [waiting] = await stored(database, select(erasures.c.phase))
    assert waiting.phase == "waiting"
    await erasing.finish(row)


async def test_mail_that_is_recorded_during_the_first_walk_is_found_by_the_second(
    erasing: Erasing, database: Database
) -> None:
    """As that of a transaction that began before the request: it did not see the suppression."""
    row = await erasing.request()
    await erasing.eraser.step()
    email = await erasing.send(BOB)
    her = (recipients.c.org_id == email.org_id, recipients.c.email_id == email.id)
    await erasing.writer.run(Tx.change, update(recipients).where(*her).values(address=ADA))
    await erasing.finish(row)
    assert [one.address for one in await recipients_of(database, email)] == [row.stand_in]

"""Exports of what an organisation has, on both engines (F-13)."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from zidimail.v1 import account_service_pb2 as pb

from server.db.database import Database
from server.db.tables.billing import subscriptions
from server.db.tables.metadata import metadata
from server.db.tables.privacy import export_parts, exports
from server.db.tx import Tx
from server.ids import new_id
from server.privacy import export_store, sections
from server.privacy.archive import lines_of
from server.privacy.export_rpc import ExportServicer
from server.privacy.export_store import KEPT_MS, ExportRow
from server.privacy.exporter import Exporter
from server.privacy.faults import ExportNotReady
from server.privacy.sections import SECTIONS
from server.wire.caller import SessionCaller, set_current_caller
from tests.harness.clock import START_MS
from tests.harness.rows import own_value, row_count, stored
from tests.store.erasing import ADA, BOB, Erasing

# The tables of organisations that an export leaves out.
LEFT_OUT = {
    "addressees": "an index of `emails` and `recipients`",
    "attachment_parts": "the files, which are downloaded with their email",
    "contact_counts": "the numbers of the rows of `contacts` and `contact_lists`",
    "delivery_queue": "the state of `recipients`, as the engine needs it",
    "email_tags": "an index of `emails.tags`",
    "export_parts": "the exports themselves, which change while they are written",
    "exports": "as above",
    "idempotency_keys": "answers to repeated requests, which are gone after a day",
    "operator_entries": "the operator's own log: what was done to the organisation is in `audit_log`",
    "payment_events": "marks of calls that were taken; they led to `subscriptions`",
    "sessions": "of each person alone: other members may not read them",
    "staged_contents": "contents of emails that are not accepted yet",
    "unclear_bounces": "marks of what is in `events`",
    "unique_recipients": "marks of what is in `recipients`, counted in `usage`",
}

SECRETS = (b"private_key", b"secret", b"password", b"hash", b"erasure_key")


async def begin(erasing: Erasing) -> ExportRow:
    now_ms = erasing.clock.now_ms()
    row = ExportRow(
        *(erasing.org_id, new_id(), erasing.user_id, SECTIONS[0].name, "", 0, 0, 0, now_ms, now_ms, None),
        expires_at=now_ms + KEPT_MS,
    )
    return await erasing.writer.run(export_store.begin, row)


def exporter_of(erasing: Erasing) -> Exporter:
    return Exporter(erasing.database, erasing.writer, erasing.clock)


async def content(erasing: Erasing, row: ExportRow) -> bytes:
    """All lines of an export."""
    shown = await erasing.database.read(export_store.get, row.org_id, row.id, erasing.clock.now_ms())
    assert shown is not None
    assert shown.completed_at is not None
    parts = []
    for no in range(shown.part_count):
        part = await erasing.database.read(export_store.part, row.org_id, row.id, no)
        assert part is not None
        parts.append(lines_of(part.content))
    return b"".join(parts)


async def exported(erasing: Erasing) -> bytes:
    """The lines of a new export."""
    row, exporter = await begin(erasing), exporter_of(erasing)
    while await exporter.step():
        pass
    return await content(erasing, row)


def objects(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


async def fill(erasing: Erasing) -> None:
    """Rows in most sections."""
    await erasing.send_to_her_alone()
    await erasing.send_to_both()
    await erasing.note()
    await erasing.request(BOB)
    await erasing.read_log()


async def test_export_holds_every_row_and_no_secret(erasing: Erasing, database: Database) -> None:
    await fill(erasing)
    lines = await exported(erasing)
    found = Counter(line["section"] for line in objects(lines))
    for section in SECTIONS:
        table = section.key[0].table
        query = select(func.count()).select_from(table).where(table.c.org_id == erasing.org_id)
        # Members are those who have an account.
        if section.name != "members":
            assert found[section.name] == await database.read(own_value, int, query), section.name
    assert {"emails", "email_contents", "events", "contacts", "suppressions", "audit_log"} <= found.keys()
    assert not [text for text in SECRETS if text in lines]
    [contact] = [line for line in objects(lines) if line["section"] == "contacts"]
    assert (contact["email"], contact["last_name"], contact["unsubscribed"]) == (ADA, "Lovelace", False)
    both = next(line for line in objects(lines) if line["section"] == "emails" and len(line["to"]) == 2)
    assert both["bcc"] == ["eve@receiver.test"]
    assert both["created_at"] == "2027-01-15T08:00:00.000Z"


def test_every_table_of_organisations_is_exported_or_left_out_for_a_reason() -> None:
    owned = {table.name for table in metadata.sorted_tables if "org_id" in table.c}
    in_sections = {section.key[0].table.name for section in SECTIONS}
    assert owned - in_sections == set(LEFT_OUT)
    assert not in_sections & LEFT_OUT.keys()


async def test_calls_of_webhooks_are_exported_as_they_were_made(erasing: Erasing) -> None:
    await fill(erasing)
    calls = [line for line in objects(await exported(erasing)) if line["section"] == "webhook_calls"]
    assert {call["type"] for call in calls} >= {"email.sent", "contact.created"}
    for call in calls:
        assert json.loads(call["body"])["type"] == call["type"]


async def test_subscriptions_are_exported(erasing: Erasing) -> None:
    def subscribe(tx: Tx) -> None:
        values = {"plan": "pro", "paypal_plan_id": "P-1", "status": "ACTIVE", "live": True, "gives": "pro"}
        at = {"created_at": START_MS, "updated_at": START_MS}
        tx.change(insert(subscriptions).values(org_id=erasing.org_id, id="I-1", **values, **at))

    await erasing.writer.run(subscribe)
    [line] = [line for line in objects(await exported(erasing)) if line["section"] == "subscriptions"]
    assert (line["id"], line["plan"], line["status"], line["live"]) == ("I-1", "pro", "ACTIVE", True)
    assert (line["created_at"], line["paid_until"]) == ("2027-01-15T08:00:00.000Z", None)


async def test_export_has_nothing_of_others(erasing: Erasing, database: Database, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = await Erasing(database, erasing.writer, tmp_path / "other").open()
    await fill(other)
    assert other.org_id.encode() not in await exported(erasing)
    assert ADA.encode() not in await exported(erasing)


async def test_export_resumes_after_a_kill_with_the_same_lines(
    erasing: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(erasing)
    for _ in range(3):
        await erasing.send(BOB + "x")
    whole = await exported(erasing)
    small = {name: replace(section, rows=2) for name, section in sections.BY_NAME.items()}
    monkeypatch.setattr(sections, "BY_NAME", small)
    advance, killed = export_store.advance, 0

    def dies(tx: Tx, *args: Any) -> None:
        nonlocal killed
        advance(tx, *args)
        killed += 1
        if killed % 2:
            raise ConnectionError

    monkeypatch.setattr(export_store, "advance", dies)
    row, more = await begin(erasing), True
    while more:
        try:
            more = await exporter_of(erasing).step()
        except ConnectionError:
            continue
    assert killed > len(SECTIONS) * 2
    assert await content(erasing, row) == whole


async def test_two_processes_export_together(erasing: Erasing, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(erasing)
    whole = await exported(erasing)
    small = {name: replace(section, rows=1) for name, section in sections.BY_NAME.items()}
    monkeypatch.setattr(sections, "BY_NAME", small)
    row, several = await begin(erasing), [exporter_of(erasing) for _ in range(3)]
    while any(await asyncio.gather(*(each.step() for each in several))):
        pass
    assert await content(erasing, row) == whole


async def test_export_in_progress_is_returned(erasing: Erasing) -> None:
    first = await begin(erasing)
    assert (await begin(erasing)).id == first.id
    exporter = exporter_of(erasing)
    while await exporter.step():
        pass
    assert (await begin(erasing)).id != first.id


async def test_export_in_progress_cannot_be_downloaded(erasing: Erasing) -> None:
    row = await begin(erasing)
    set_current_caller(SessionCaller(erasing.org_id, erasing.user_id, "owner", START_MS))
    servicer = ExportServicer(erasing.database, erasing.writer, erasing.clock, lambda: None)
    with pytest.raises(ExportNotReady):
        await anext(servicer.GetExportFile(pb.GetExportFileRequest(export_id=row.id), None))


async def test_export_expires_and_is_deleted_in_batches(
    erasing: Erasing, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_store, "_MAX_SWEPT", 3)
    await fill(erasing)
    await exported(erasing)
    erasing.clock.advance(KEPT_MS / 1000 - 1)
    assert not await erasing.writer.run(export_store.sweep, erasing.clock.now_ms())
    [row] = await stored(database, select(exports))
    erasing.clock.advance(1)
    assert await database.read(export_store.get, row.org_id, row.id, erasing.clock.now_ms()) is None
    parts = await row_count(database, export_parts)
    assert await erasing.writer.run(export_store.sweep, erasing.clock.now_ms())
    assert await row_count(database, export_parts) == parts - 3
    while await erasing.writer.run(export_store.sweep, erasing.clock.now_ms()):
        pass
    assert await row_count(database, export_parts) == await row_count(database, exports) == 0


async def test_erasure_ends_exports_that_may_hold_the_address(erasing: Erasing, database: Database) -> None:
    await fill(erasing)
    assert ADA.encode() in await exported(erasing)
    running = await begin(erasing)
    await erasing.finish(await erasing.request())
    now_ms = erasing.clock.now_ms()
    [*rows] = await stored(database, select(exports.c.id))
    assert len(rows) == 2
    for row in rows:
        assert await database.read(export_store.get, erasing.org_id, row.id, now_ms) is None
    assert not await exporter_of(erasing).step()
    assert (await begin(erasing)).id != running.id

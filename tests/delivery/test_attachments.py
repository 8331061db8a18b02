"""Emails with files: delivered unchanged, within the memory budget, then the files are deleted (Z-23, B7)."""

import email
import email.policy
import os
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select

from server.db.database import Database
from server.db.tables.emails import attachment_parts
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.memory_budget import LARGE, MemoryBudget
from server.emails.parts import PART
from server.emails.release import release
from tests.delivery.conftest import StartEngine
from tests.delivery.letters import letter
from tests.delivery.queued import Queued, enqueue, new_org, queue_of, recipients_of, rows_of, status_of
from tests.harness.clock import START_MS
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

MIB = 2**20


async def send(writer: Writer, *to: str, files: tuple[bytes, ...]) -> Queued:
    """An email with files in the queue."""
    return (await enqueue(writer, rows_of(await new_org(writer), to, files=files)))[0]


async def send_scheduled(writer: Writer, to: str) -> Queued:
    """An email that waited 30 days for its time, and is in the queue now."""
    rows = rows_of(await new_org(writer), [to], accepted_at=START_MS - 30 * 86_400_000, scheduled_at=START_MS)
    (sent,) = await enqueue(writer, rows)
    await writer.run(release, START_MS)
    return sent


async def contents(database: Database, sent: Queued) -> list[bytes]:
    """The files of an email as far as they are kept."""
    query = select(attachment_parts.c.content).where(attachment_parts.c.email_id == sent.id)
    return await database.read(Tx.scalars, bytes, query.order_by(attachment_parts.c.no))


def files_in(raw: bytes) -> list[bytes]:
    message = cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
    return [cast(bytes, part.get_payload(decode=True)) for part in message.iter_attachments()]


async def test_files_are_delivered_and_then_deleted(
    database: Database, writer: Writer, start_engine: StartEngine, tmp_path: Path
) -> None:
    """Z-23, whether the files are large or small."""
    small, large = (os.urandom(1000), b""), (os.urandom(2 * PART + 1), b"x")
    emails = [
        await send(writer, "ada@receiver.test", "eve@other.test", files=files) for files in (small, large)
    ]
    await start_engine("capture")
    for sent, files in zip(emails, (small, large), strict=True):
        await until(lambda sent=sent: _is(database, sent, "delivered"))
        for no in (1, 2):
            raw = (tmp_path / "captured" / f"{sent.id}.{no}.eml").read_bytes()
            assert files_in(raw) == list(files)
        assert await contents(database, sent) == []


async def test_files_are_kept_until_the_last_recipient_is_settled(
    database: Database, writer: Writer, start_engine: StartEngine
) -> None:
    """Z-23: one recipient has it, the other is tried again."""
    async with SmtpSink() as sink:
        sent = await send(writer, "ok@receiver.test", "451-rcpt@receiver.test", files=(b"abc",))
        await start_engine(f"smtp://127.0.0.1:{sink.port}")

        async def has_tried() -> bool:
            return {row.status for row in await recipients_of(database, sent)} == {
                "delivered",
                "delivery_delayed",
            }

        await until(has_tried)
        assert await contents(database, sent) == [b"abc"]
        assert len(await queue_of(database)) == 1


async def test_small_mail_is_not_held_up_by_large_mail(
    database: Database, writer: Writer, start_engine: StartEngine
) -> None:
    """B8: large messages have a memory budget of their own, and are not built beyond it."""
    async with SmtpSink() as sink:
        for _ in range(4):
            await send(writer, "tarpit@slow.test", files=(bytes(33 * MIB),))
        small = [await send(writer, "ok@receiver.test", files=(b"a",)) for _ in range(20)]
        await start_engine(f"smtp://127.0.0.1:{sink.port}")
        for sent in small:
            await until(lambda sent=sent: _is(database, sent, "delivered"))


async def test_a_scheduled_email_begins_at_its_time(
    database: Database, writer: Writer, start_engine: StartEngine, tmp_path: Path
) -> None:
    """F-2: its date is that of its time, and its lifetime begins then."""
    sent = await send_scheduled(writer, "ada@receiver.test")
    await start_engine("capture")
    await until(lambda: _is(database, sent, "delivered"))
    raw = (tmp_path / "captured" / f"{sent.id}.1.eml").read_bytes()
    message = cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
    assert message["Date"].datetime.timestamp() * 1000 == START_MS // 1000 * 1000
    assert f"t={START_MS // 1000};" in message["DKIM-Signature"]


async def test_a_scheduled_email_is_tried_as_long_as_any_other(
    database: Database, writer: Writer, start_engine: StartEngine
) -> None:
    async with SmtpSink() as sink:
        sent = await send_scheduled(writer, "451-rcpt@receiver.test")
        await start_engine(f"smtp://127.0.0.1:{sink.port}")
        await until(lambda: _is(database, sent, "delivery_delayed"))


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_large_message_is_counted_once(jobs: int) -> None:
    memory = MemoryBudget()
    large, small = letter(bytes(65 * MIB)), letter(bytes(1000))
    for _ in range(jobs):
        memory.add(large)
        memory.add(small)
    assert memory.has_room
    for _ in range(jobs):
        assert not memory.has_room_for_large("other")
        memory.drop(large)
        memory.drop(small)
    assert memory.has_room_for_large("other")


def test_messages_of_one_organisation_leave_memory_for_those_of_another() -> None:
    memory = MemoryBudget()
    # Kept, as the jobs of an engine keep theirs.
    letters = []
    for size in (MIB // 8, 5 * MIB):
        one = letter(bytes(size))
        while memory.has_room_for_large(one.org_id) if size > LARGE else memory.has_room_of(one.org_id):
            letters.append(letter(bytes(size)))
            memory.add(letters[-1])
        assert memory.has_room
        assert memory.has_room_of("other")
        assert memory.has_room_for_large("other")


async def _is(database: Database, sent: Queued, status: str) -> bool:
    return await status_of(database, sent) == status

"""Captured mail: the message that would have been sent, complete and signed."""

from email import message_from_bytes, policy
from pathlib import Path

from server.db.database import Database
from server.db.writer import Writer
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import (
    domain_of,
    enqueue,
    events_of,
    new_org,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.harness.waiting import until


async def test_a_captured_email_is_a_file_for_each_recipient_and_delivered(
    database: Database, writer: Writer, start_engine: StartEngine, tmp_path: Path
) -> None:
    org_id = await new_org(writer)
    [email] = await enqueue(
        writer, rows_of(org_id, ["Ada <ada@receiver.test>", "bob@other.test"], bcc=["eve@receiver.test"])
    )
    await start_engine()
    await until(lambda: _is(database, email, "delivered"))
    files = sorted((tmp_path / "captured").glob("*.eml"))
    assert [file.name for file in files] == [f"{email.id}.{no}.eml" for no in (1, 2, 3)]
    message = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert message["To"] == "Ada <ada@receiver.test>, bob@other.test"
    assert message["Message-ID"] == f"<{email.id}@{domain_of(org_id)}>"
    assert "eve" not in files[2].read_text()
    assert len(message.get_all("DKIM-Signature")) == 2
    assert await queue_of(database) == []
    assert [row.status for row in await recipients_of(database, email)] == ["delivered"] * 3
    events = await events_of(database, email)
    assert {event.type for event in events} == {"email.delivered"}
    assert {event.recipient for event in events} == {
        "ada@receiver.test",
        "bob@other.test",
        "eve@receiver.test",
    }


async def _is(database: Database, email: object, status: str) -> bool:
    return await status_of(database, email) == status  # type: ignore[arg-type]

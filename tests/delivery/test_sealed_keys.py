"""Mail waits while the domain's signing keys cannot be opened."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select, update

from server.db.database import Database
from server.db.tables.domains import dkim_keys
from server.db.tx import Tx
from server.db.writer import Writer
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import enqueue, events_of, new_org, queue_of, rows_of, status_of
from tests.harness.clock import ManualClock
from tests.harness.waiting import until


class SealedKey(NamedTuple):
    selector: str
    private_key: bytes


async def test_mail_waits_and_is_not_sent_unsigned(
    database: Database, writer: Writer, start_engine: StartEngine, clock: ManualClock, tmp_path: Path
) -> None:
    """A process with another ZIDIMAIL_SECRET, or a lost one, must not send what receivers take for forged."""
    org_id = await new_org(writer)
    [email] = await enqueue(writer, rows_of(org_id, ["ada@receiver.test"]))
    kept = await database.read(Tx.all, SealedKey, select(dkim_keys.c.selector, dkim_keys.c.private_key))
    await writer.run(Tx.change, update(dkim_keys).values(private_key=kept[0].private_key[:-1] + b"?"))
    await start_engine()

    async def status() -> str:
        return await status_of(database, email)

    async def delayed() -> bool:
        return await status() == "delivery_delayed"

    async def delivered() -> bool:
        # Not while the engine holds or may claim the mail: on a slow machine each lease would end too soon.
        if any(row.lease_until is None and row.due_at > clock.now_ms() for row in await queue_of(database)):
            clock.advance(600)
        return await status() == "delivered"

    await until(delayed)
    assert not list((tmp_path / "captured").glob("*.eml"))
    assert "DKIM keys" in str((await events_of(database, email))[-1].reply_text)
    for key in kept:
        of_key = dkim_keys.c.selector == key.selector
        await writer.run(Tx.change, update(dkim_keys).where(of_key).values(private_key=key.private_key))
    await until(delivered)
    [file] = (tmp_path / "captured").glob("*.eml")
    assert file.read_bytes().count(b"DKIM-Signature:") == 2

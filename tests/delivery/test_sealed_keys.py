"""What happens to mail while the domain's signing keys cannot be opened."""

from pathlib import Path

from sqlalchemy import bindparam, select, update

from server.db.engine import Database
from server.db.schema import dkim_keys
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import enqueue, events_of, new_org, rows_of, status_of
from tests.harness.clock import ManualClock
from tests.harness.waiting import until


async def test_mail_waits_rather_than_leaves_unsigned(
    database: Database, start_engine: StartEngine, clock: ManualClock, tmp_path: Path
) -> None:
    """A process with another ZIDIMAIL_SECRET, or a lost one, must not send what receivers take for forged."""
    org_id = await new_org(database)
    [email] = await enqueue(database, rows_of(org_id, ["ada@receiver.test"]))
    async with database.write() as connection:
        kept = (await connection.execute(select(dkim_keys.c.selector, dkim_keys.c.private_key))).all()
        await connection.execute(update(dkim_keys).values(private_key=kept[0].private_key[:-1] + b"?"))
    await start_engine()

    async def status() -> str:
        return await status_of(database, email)

    async def delayed() -> bool:
        return await status() == "delivery_delayed"

    async def delivered() -> bool:
        clock.advance(600)
        return await status() == "delivered"

    await until(delayed)
    assert not list((tmp_path / "captured").glob("*.eml"))
    assert "DKIM keys" in (await events_of(database, email))[-1].reply_text
    async with database.write() as connection:
        await connection.execute(
            update(dkim_keys)
            .where(dkim_keys.c.selector == bindparam("of"))
            .values(private_key=bindparam("kept")),
            [{"of": row.selector, "kept": row.private_key} for row in kept],
        )
    await until(delivered)
    [file] = (tmp_path / "captured").glob("*.eml")
    assert file.read_bytes().count(b"DKIM-Signature:") == 2

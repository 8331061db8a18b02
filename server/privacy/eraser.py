"""Erasures go on: some emails at a time, in transactions that hold up no send (contract row F-13)."""

from collections.abc import Sequence
from pathlib import Path

from server.clock import Clock
from server.db.database import Database
from server.db.time import time_us
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.rows import Place
from server.privacy import erasure_store, export_store
from server.privacy.emails import erase_emails
from server.privacy.erasure_store import ErasureRow, Step
from server.privacy.events import erase_contact_events
from server.privacy.records import erase_records
from server.privacy.rules import Erased
from server.sealing import Seal
from server.work.jobs import Jobs

# Emails that one step looks at, emails that it changes, and entries of the audit log.
WINDOW, BATCH, ENTRIES = 2_000, 25, 1_000


class Eraser(Jobs[ErasureRow]):
    """Goes on with every erasure, again and again.

    The emails are walked over twice. While the first walk lasts, a transaction that began before may still
    add an email, and a reader of the log a webhook call that it has made of what it read before. The second
    walk begins when there are none of these any more, and finds what they added.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        seal: Seal,
        captured: Path,
    ) -> None:
        """`captured` is the folder of captured mail."""
        super().__init__("privacy.erase")
        self._database = database
        self._writer = writer
        self._clock = clock
        self._seal = seal
        self._captured = captured

    async def _due(self) -> Sequence[ErasureRow]:
        return await self._database.read(erasure_store.due)

    async def _advance(self, row: ErasureRow) -> bool:
        assert row.address is not None
        address = self._seal.open(row.address, seal_context(row.id)).decode()
        erased = Erased(address, row.stand_in)
        match row.phase:
            case "emails" | "again":
                await self._walk(row, erased)
            case "settling":
                if not await self._database.read(erasure_store.have_ended, row.mark_stamp):
                    return False
                end = await self._database.read(log.end, row.org_id)
                await self._writer.run(
                    erasure_store.advance, row, Step("waiting", mark=end), self._clock.now_ms()
                )
            case "waiting":
                mark = Place(row.mark_stamp, row.mark_seq)
                if not await self._database.read(erasure_store.have_passed, row.org_id, mark):
                    return False
                await self._writer.run(erasure_store.advance, row, Step("again"), self._clock.now_ms())
            case _:
                await self._writer.run(self._erase_records, row, erased)
        return True

    async def _walk(self, row: ErasureRow, erased: Erased) -> None:
        ids, after = await self._database.read(
            erasure_store.emails_to,
            row.org_id,
            (erased.address, erased.stand_in) if row.phase == "again" else (erased.address,),
            row.cursor,
            WINDOW,
            BATCH,
        )
        now_ms = self._clock.now_ms()

        def write(tx: Tx) -> None:
            step = Step(row.phase, after)
            if not after and row.phase == "emails":
                step = Step("settling", mark=Place(0 if tx.is_sqlite else time_us(tx), 0))
            elif not after:
                step = Step("records")
            counted = len(ids) if row.phase == "emails" else 0
            erasure_store.advance(tx, row, step._replace(emails=counted), now_ms)
            erase_emails(tx, row.org_id, erased, ids, now_ms, self._captured)

        await self._writer.run(write)

    def _erase_records(self, tx: Tx, row: ErasureRow, erased: Erased) -> None:
        now_ms = self._clock.now_ms()
        # Erased events have the stand-in: the next step finds the others.
        if not row.cursor and erase_contact_events(tx, row.org_id, erased, ENTRIES):
            erasure_store.advance(tx, row, Step("records"), now_ms)
            return
        after = erase_records(tx, row.org_id, erased, row.cursor, ENTRIES)
        erasure_store.advance(tx, row, Step("records", after) if after else Step("completed"), now_ms)
        if not after:
            export_store.expire_all(tx, row.org_id, now_ms)


def seal_context(id: str) -> str:
    """The context in which the address of an erasure is sealed."""
    return f"erasure:{id}"

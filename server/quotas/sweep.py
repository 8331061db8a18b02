"""Deletes the recipients of months that are over: the unique-recipient limit counts by month (Z-44)."""

from typing import NamedTuple

from sqlalchemy import delete, select

from server.clock import Clock
from server.db.database import Database
from server.db.keys import in_keys
from server.db.tables.quotas import unique_recipients
from server.db.tx import Tx
from server.db.writer import Writer
from server.quotas.rules import Periods

MAX_SWEPT = 1_000
_KEY = (unique_recipients.c.org_id, unique_recipients.c.address)


class _Recipient(NamedTuple):
    org_id: str
    address: str


class RecipientSweep:
    """Deletes the recipients of earlier months, at most `max_swept` in one step."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, max_swept: int = MAX_SWEPT) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._max_swept = max_swept
        self._swept_month: int | None = None

    async def step(self) -> bool:
        """Deletes some; True if more may be left.

        Finding none reads the whole table, which delays no writer, and is done once a month.
        """
        month = Periods.of(self._clock.now_ms()).month
        if month == self._swept_month:
            return False
        found = await self._database.read(_find, month, self._max_swept)
        if found:
            await self._writer.run(_delete, found, month)
        if len(found) == self._max_swept:
            return True
        self._swept_month = month
        return False


def _find(tx: Tx, month: int, limit: int) -> list[_Recipient]:
    return tx.all(_Recipient, select(*_KEY).where(unique_recipients.c.month < month).limit(limit))


def _delete(tx: Tx, found: list[_Recipient], month: int) -> None:
    tx.change(delete(unique_recipients).where(in_keys(tx, _KEY, found), unique_recipients.c.month < month))

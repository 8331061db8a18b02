"""Deletes the recipients of months that are over: the unique-recipient limit counts by month (Z-44)."""

from typing import NamedTuple

from sqlalchemy import delete, select

from server.db.database import Database
from server.db.keys import in_keys
from server.db.tables.quotas import unique_recipients
from server.db.tx import Tx
from server.db.writer import Writer

MAX_SWEPT = 1_000
_KEY = (unique_recipients.c.org_id, unique_recipients.c.address)


class _Recipient(NamedTuple):
    org_id: str
    address: str


async def sweep(database: Database, writer: Writer, month: int, max_swept: int = MAX_SWEPT) -> bool:
    """Deletes up to `max_swept` recipients of the months before this one; True if more may be left.

    Without any it reads the whole table, which delays no writer: to be called once a month.
    """
    found = await database.read(_find, month, max_swept)
    if found:
        await writer.run(_delete, found, month)
    return len(found) == max_swept


def _find(tx: Tx, month: int, limit: int) -> list[_Recipient]:
    return tx.all(_Recipient, select(*_KEY).where(unique_recipients.c.month < month).limit(limit))


def _delete(tx: Tx, found: list[_Recipient], month: int) -> None:
    tx.change(delete(unique_recipients).where(in_keys(tx, _KEY, found), unique_recipients.c.month < month))

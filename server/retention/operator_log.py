"""The log of operators, which is kept as long as the platform keeps audit logs."""

from typing import NamedTuple

from sqlalchemy import delete, select

from server.clock import Clock
from server.db.database import Database
from server.db.tables.operators import operator_entries
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import least_id_of
from server.retention.policy import DAY_MS

LIMIT = 500


class _Entry(NamedTuple):
    id: str


class OperatorLogSweep:
    """Deletes old entries; `days` is how long they are kept."""

    def __init__(self, days: int, database: Database, writer: Writer, clock: Clock) -> None:
        self._days = days
        self._database = database
        self._writer = writer
        self._clock = clock

    async def step(self) -> bool:
        """Deletes some; True if more may be left."""
        before = least_id_of(self._clock.now_ms() - self._days * DAY_MS)
        ids = await self._database.read(_old, before)
        if ids:
            await self._writer.run(_delete, ids)
        return len(ids) == LIMIT


def _old(tx: Tx, before: str) -> list[str]:
    query = select(operator_entries.c.id).where(operator_entries.c.id < before)
    return tx.scalars(str, query.order_by(operator_entries.c.id).limit(LIMIT))


def _delete(tx: Tx, ids: list[str]) -> None:
    tx.change(delete(operator_entries).where(operator_entries.c.id.in_(ids)))

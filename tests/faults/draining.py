"""The end of a run: all that can be delivered is, before the ledger is read."""

import asyncio
import time

from sqlalchemy import text

from tests.harness.ledger import store
from tests.harness.stack import Stack
from tests.harness.waiting import until

DRAIN_WITHIN_S = 90.0
# A recipient that is due within this time counts as due: its lease, or its first delay, is about to end.
SOON_MS = 10_000


async def drain(stack: Stack, *, within: float = DRAIN_WITHIN_S) -> None:
    """Waits until nothing is left that can be delivered now, the uncertain ones included.

    Each of the two waits at most `within` seconds.
    """
    await _settle(stack, within)
    await asyncio.to_thread(stack.stop_server)
    make_uncertain_due(stack.database_url)
    await asyncio.to_thread(stack.start_server)
    await _settle(stack, within)


def make_uncertain_due(database_url: str) -> None:
    """Lets the mail go at once that would wait, out of caution, before it is sent a second time."""
    with store(database_url) as connection:
        connection.execute(text("UPDATE delivery_queue SET due_at = 0 WHERE uncertain"))


async def _settle(stack: Stack, within: float) -> None:
    waiting: list[str] = []

    def settled() -> bool:
        waiting[:] = _due_now(stack.database_url)
        return not waiting

    await until(
        settled,
        within=within,
        message=lambda: f"{len(waiting)} recipients were not delivered: {waiting[:5]}\n{stack.log_tails()}",
    )


def _due_now(database_url: str) -> list[str]:
    """The queued recipients that wait for nothing but the engine."""
    soon = time.time_ns() // 1_000_000 + SOON_MS
    with store(database_url) as connection:
        rows = connection.execute(
            text(
                "SELECT q.email_id, r.address FROM delivery_queue q"
                " JOIN recipients r ON r.org_id = q.org_id AND r.email_id = q.email_id AND r.no = q.no"
                " WHERE q.due_at <= :soon AND r.address NOT LIKE '451-%'"
            ),
            {"soon": soon},
        )
        return [f"{email_id} {address}" for email_id, address in rows]

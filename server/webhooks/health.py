"""How webhooks fare: which of them are disabled for what came of their calls (contract row F-3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import webhooks
from server.webhooks.rules import is_lost
from server.webhooks.store import FAILING, GONE, Key

_SET_FAILING = (
    update(webhooks)
    .where(webhooks.c.org_id == bindparam("of_org"), webhooks.c.id == bindparam("of_webhook"))
    .values(failing_since=bindparam("since"))
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt; times are milliseconds since 1970.

    `ours` says that it failed before anything was sent, for a reason that is not the receiver's. The round
    of attempts that it belongs to began at `began_at`.
    """

    webhook: Key
    succeeded: bool
    gone: bool
    ours: bool
    began_at: int
    ended_at: int


async def judge(connection: AsyncConnection, results: Sequence[Result]) -> dict[Key, str]:
    """Keeps since when webhooks fail, and tells which are to be disabled and why."""
    by_webhook: dict[Key, list[Result]] = {}
    for result in results:
        if not result.ours:
            by_webhook.setdefault(result.webhook, []).append(result)
    if not by_webhook:
        return {}
    rows = await connection.execute(
        select(webhooks.c.org_id, webhooks.c.id, webhooks.c.failing_since).where(
            among(connection, (webhooks.c.org_id, webhooks.c.id), by_webhook)
        )
    )
    reasons: dict[Key, str] = {}
    changed = []
    for row in rows:
        key = (row.org_id, row.id)
        made = by_webhook[key]
        since = row.failing_since
        if any(result.succeeded for result in made):
            since = None
        elif since is None:
            since = min(result.ended_at for result in made)
        if any(result.gone for result in made):
            reasons[key] = GONE
        elif since is not None and any(is_lost(since, result.began_at, result.ended_at) for result in made):
            reasons[key] = FAILING
        if since != row.failing_since:
            changed.append({"of_org": row.org_id, "of_webhook": row.id, "since": since})
    if changed:
        # In one order everywhere, so that two servers cannot block each other.
        changed.sort(key=lambda change: (change["of_org"], change["of_webhook"]))
        await connection.execute(_SET_FAILING, changed)
    return reasons

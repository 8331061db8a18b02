"""The calls that are due, found by webhook: the backlog of one is never read to find the calls of another."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from server.db.statements import Statement
from server.db.tx import Tx
from server.webhooks.store import WebhookKey


class CallId(NamedTuple):
    """A call: an event of which a webhook is notified."""

    org_id: str
    webhook_id: str
    event_id: str


class Backlog(NamedTuple):
    """A webhook with waiting calls, and when the first of them is due."""

    org_id: str
    webhook_id: str
    due_at: int

    @property
    def webhook(self) -> WebhookKey:
        """The key of the webhook."""
        return self.org_id, self.webhook_id


# A column of the first call of the next webhook of the same organisation, or else of the next organisation.
# Two look-ups, because SQLite would read a whole backlog for `(org_id, webhook_id) > (..., ...)`.
_NEXT = """COALESCE(
            (SELECT c.{column} FROM webhook_calls AS c
             WHERE c.lease_until IS NULL AND c.due_at IS NOT NULL
                AND c.org_id = found.org_id AND c.webhook_id > found.webhook_id
             ORDER BY c.webhook_id, c.due_at, c.event_id LIMIT 1),
            (SELECT c.{column} FROM webhook_calls AS c
             WHERE c.lease_until IS NULL AND c.due_at IS NOT NULL AND c.org_id > found.org_id
             ORDER BY c.org_id, c.webhook_id, c.due_at, c.event_id LIMIT 1))"""
# Goes from webhook to webhook by the index, a look-up or two for each, however many calls wait for it.
BACKLOGS = Statement(
    Backlog,
    f"""
    WITH RECURSIVE found(number, org_id, webhook_id, due_at) AS (
        SELECT 0, CAST(:org_id AS VARCHAR(24)), CAST(:webhook_id AS VARCHAR(24)), CAST(0 AS BIGINT)
        UNION ALL
        SELECT
            number + 1,
            {_NEXT.format(column="org_id")},
            {_NEXT.format(column="webhook_id")},
            {_NEXT.format(column="due_at")}
        FROM found
        WHERE found.org_id IS NOT NULL AND number < :limit
    )
    SELECT org_id, webhook_id, due_at FROM found WHERE number > 0 AND org_id IS NOT NULL ORDER BY number
    """,
)


def backlogs(tx: Tx, after: WebhookKey, limit: int) -> list[Backlog]:
    """Up to `limit` webhooks with waiting calls, in order, after the key `after`."""
    return BACKLOGS.all(tx, org_id=after[0], webhook_id=after[1], limit=limit)


def due(tx: Tx, wanted: Sequence[tuple[WebhookKey, int]], now_ms: int) -> list[CallId]:
    """The calls due for each of these webhooks, earliest first, with a limit for each webhook."""
    if not wanted:
        return []
    values: dict[str, str | int] = {"now": now_ms}
    for number, ((org_id, webhook_id), limit) in enumerate(wanted):
        values |= {f"org_{number}": org_id, f"webhook_{number}": webhook_id, f"limit_{number}": limit}
    return _heads(len(wanted)).all(tx, None, **values)


@cache
def _heads(count: int) -> Statement[CallId]:
    """The first due calls of each of `count` webhooks."""
    return Statement(
        CallId,
        " UNION ALL ".join(
            f"""SELECT org_id, webhook_id, event_id FROM (
                SELECT org_id, webhook_id, event_id FROM webhook_calls
                WHERE org_id = :org_{n} AND webhook_id = :webhook_{n} AND lease_until IS NULL
                    AND due_at IS NOT NULL AND due_at <= :now
                ORDER BY due_at, event_id LIMIT :limit_{n}) AS head_{n}"""
            for n in range(count)
        ),
    )

"""The health of webhooks, which are disabled if their calls fail for long (contract row F-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.db.keys import KeyType
from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.webhooks.rules import is_lost
from server.webhooks.store import FAILING, GONE, WebhookKey


class _HealthRow(NamedTuple):
    org_id: str
    id: str
    failing_since: int | None


_KEYS: Mapping[str, KeyType] = {"org_id": "text", "id": "text"}
_HEALTH = Statement(
    _HealthRow, "SELECT org_id, id, failing_since FROM webhooks WHERE (org_id, id) IN {keys}", keys=_KEYS
)
# Locks the webhooks, in one order everywhere. Other servers may record attempts meanwhile (`settling`).
_LOCKED_HEALTH = Statement(
    _HealthRow,
    """
    SELECT org_id, id, failing_since FROM webhooks WHERE (org_id, id) IN {keys} ORDER BY org_id, id
    {postgresql: FOR NO KEY UPDATE}
    """,
    keys=_KEYS,
)
_SET_FAILING = Change(
    "UPDATE webhooks SET failing_since = :failing_since WHERE org_id = :org_id AND id = :id"
)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one attempt; times are milliseconds since 1970.

    `ours` says that it failed before anything was sent, for a reason that is not the receiver's. The round
    of attempts that it belongs to began at `began_at`.
    """

    webhook: WebhookKey
    succeeded: bool
    gone: bool
    ours: bool
    began_at: int
    ended_at: int


def update_health(tx: Tx, results: Sequence[Result]) -> dict[WebhookKey, str]:
    """Stores the time since which webhooks fail; returns the webhooks to disable, each with the reason."""
    by_webhook: dict[WebhookKey, list[Result]] = {}
    for result in results:
        if not result.ours:
            by_webhook.setdefault(result.webhook, []).append(result)
    if not by_webhook:
        return {}
    # Most attempts change nothing: their transactions need not wait for each other.
    concerned = [
        (row.org_id, row.id) for row in _HEALTH.all(tx, by_webhook) if _has_news(row, by_webhook[row[:2]])
    ]
    if not concerned:
        return {}
    reasons: dict[WebhookKey, str] = {}
    changed: list[_HealthRow] = []
    for row in _LOCKED_HEALTH.all(tx, concerned):
        since, reason = _judged(row, by_webhook[row[:2]])
        if reason is not None:
            reasons[row[:2]] = reason
        if since != row.failing_since:
            changed.append(row._replace(failing_since=since))
    _SET_FAILING.run(tx, [row._asdict() for row in changed])
    return reasons


def _has_news(row: _HealthRow, made: Sequence[Result]) -> bool:
    return _judged(row, made) != (row.failing_since, None)


def _judged(row: _HealthRow, made: Sequence[Result]) -> tuple[int | None, str | None]:
    """The time since which a webhook fails after these attempts, and the reason to disable it, if any."""
    since = row.failing_since
    if any(result.succeeded for result in made):
        since = None
    elif since is None:
        since = min(result.ended_at for result in made)
    if any(result.gone for result in made):
        return since, GONE
    if since is not None and any(is_lost(since, result.began_at, result.ended_at) for result in made):
        return since, FAILING
    return since, None

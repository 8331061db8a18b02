"""Settling attempts: each call gets its new state once, and each attempt a record."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.db.statements import BulkInsert, Statement
from server.db.tables.webhooks import webhook_attempts
from server.db.tx import Tx, Values
from server.ids import new_id
from server.webhooks import queue
from server.webhooks.health import Result, update_health
from server.webhooks.queue import CallKey, Progress
from server.webhooks.store import (
    ATTEMPTING,
    FAILED,
    SUCCESS,
    KeyRow,
    WebhookKey,
    disable,
    fail_calls_of_disabled,
)

# Errors before anything was sent, in the configuration of this installation: a secret that cannot be opened,
# and a format that is unknown.
SEALED = "sealed"
UNKNOWN_FORMAT = "format"
_OURS = frozenset({SEALED, UNKNOWN_FORMAT})

# Keeps the removal of the webhooks away, and nothing else.
_PRESENT = Statement(
    KeyRow,
    """
    SELECT org_id, id FROM webhooks WHERE (org_id, id) IN {keys} ORDER BY org_id, id
    {postgresql: FOR KEY SHARE}
    """,
    keys={"org_id": "text", "id": "text"},
)
_ATTEMPTS = BulkInsert(webhook_attempts)


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of an attempt. `next_at` is None if there is no other; `gone` disables the webhook.

    `attempt` counts in its round, which began at `began_at`, and `earlier` the attempts before it.
    """

    key: CallKey
    attempt: int
    earlier: int
    began_at: int
    succeeded: bool
    status_code: int | None
    error: str
    detail: str
    response: bytes
    duration_ms: int
    attempted_at: int
    next_at: int | None
    gone: bool


def settle(tx: Tx, outcomes: Sequence[Settled]) -> list[str | None]:
    """Records attempts and the new states of their calls; an act of the `Writer`.

    Returns for each attempt the reason for which it disabled its webhook, or None. An attempt is recorded
    even if the call was claimed by another process meanwhile; the state of the call then stays as it is.
    Nothing is recorded of a webhook that was removed (contract row C-95).
    """
    kept: set[WebhookKey] = set(_PRESENT.all(tx, {outcome.key.webhook for outcome in outcomes}))
    ordered = sorted(
        (outcome for outcome in outcomes if outcome.key.webhook in kept), key=lambda outcome: outcome.key
    )
    reasons = update_health(tx, [_result(outcome) for outcome in ordered])
    for reason in set(reasons.values()):
        now = max(outcome.attempted_at for outcome in ordered)
        keys = sorted(key for key, given in reasons.items() if given == reason)
        disable(tx, keys, reason, now)
    queue.record(
        tx,
        [Progress(outcome.key, _status(outcome), outcome.next_at, outcome.attempt) for outcome in ordered],
    )
    fail_calls_of_disabled(tx, {outcome.key.webhook for outcome in ordered if outcome.next_at is not None})
    _ATTEMPTS.rows(tx, [_attempt_row(outcome) for outcome in ordered])
    return [reasons.get(outcome.key.webhook) for outcome in outcomes]


def _result(outcome: Settled) -> Result:
    return Result(
        outcome.key.webhook,
        succeeded=outcome.succeeded,
        gone=outcome.gone,
        ours=outcome.error in _OURS,
        began_at=outcome.began_at,
        ended_at=outcome.attempted_at,
    )


def _status(outcome: Settled) -> str:
    if outcome.succeeded:
        return SUCCESS
    return FAILED if outcome.next_at is None else ATTEMPTING


def _attempt_row(outcome: Settled) -> Values:
    return {
        "org_id": outcome.key.org_id,
        "webhook_id": outcome.key.webhook_id,
        "id": new_id(),
        "event_id": outcome.key.event_id,
        "attempt": outcome.earlier + outcome.attempt,
        "status_code": outcome.status_code,
        "error": outcome.error,
        "detail": outcome.detail,
        "response": outcome.response,
        "duration_ms": outcome.duration_ms,
        "attempted_at": outcome.attempted_at,
        "next_at": outcome.next_at,
    }

"""What came of attempts, as the store records it: each call settled once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.prepared import Rows
from server.db.schema import webhook_attempts
from server.ids import new_id
from server.webhooks import health
from server.webhooks.health import Result
from server.webhooks.queue import MOVE, CallKey, fence_values
from server.webhooks.store import ATTEMPTING, FAILED, SUCCESS, disable, hold_disabled

_ATTEMPTS = Rows(webhook_attempts)


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt. `next_at` is None if there is no other; `gone` disables the webhook.

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


async def settle(connection: AsyncConnection, outcomes: Sequence[Settled]) -> list[str | None]:
    """Records attempts and what follows from them; an act of the `Writer`.

    Tells of each whether it disabled its webhook, and why. An attempt is recorded even if the call was
    taken over by another meanwhile; its result is not.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.key)
    reasons = await health.judge(connection, [_result(outcome) for outcome in ordered])
    for reason in set(reasons.values()):
        now = max(outcome.attempted_at for outcome in ordered)
        keys = sorted(key for key, given in reasons.items() if given == reason)
        await disable(connection, keys, reason, now)
    moved = [
        fence_values(outcome.key) | {"to": _status(outcome), "next": outcome.next_at, "made": outcome.attempt}
        for outcome in ordered
    ]
    await MOVE.change(connection, moved)
    await hold_disabled(connection, {outcome.key[:2] for outcome in ordered if outcome.next_at is not None})
    await _ATTEMPTS.insert(connection, [_attempt_row(outcome) for outcome in ordered])
    return [reasons.get(outcome.key[:2]) for outcome in outcomes]


def _result(outcome: Settled) -> Result:
    return Result(
        outcome.key[:2],
        succeeded=outcome.succeeded,
        gone=outcome.gone,
        ours=outcome.error == "sealed",
        began_at=outcome.began_at,
        ended_at=outcome.attempted_at,
    )


def _status(outcome: Settled) -> str:
    if outcome.succeeded:
        return SUCCESS
    return FAILED if outcome.next_at is None else ATTEMPTING


def _attempt_row(outcome: Settled) -> dict[str, Any]:
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

"""How the queue of calls is filled: the reader of the log moves on and its calls are added, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.prepared import Prepared
from server.db.schema import webhook_calls
from server.db.upsert import upserting
from server.events.log import Place
from server.events.reader import Reader
from server.webhooks.store import ENABLED, FAILED, PENDING, statuses

READER = Reader("webhooks")

_ADD = Prepared(lambda dialect: upserting(dialect, webhook_calls).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class NewCall:
    """A webhook is to be told of an event, which happened at a time (milliseconds since 1970)."""

    org_id: str
    webhook_id: str
    event_id: str
    type: str
    body: bytes
    happened_at: int


@dataclass(frozen=True, slots=True)
class Advance:
    """The reader has read the log from one place to another, and makes these calls of it."""

    start: Place
    to: Place
    calls: Sequence[NewCall]
    now_ms: int


async def advance(connection: AsyncConnection, advances: Sequence[Advance]) -> list[bool]:
    """Moves the reader and adds the calls, both or neither; an act of the `Writer`.

    The calls of a webhook that is disabled are added as failed: its owner may have them made later.
    False: another process moved the reader meanwhile, nothing was done.
    """
    return [await _advance(connection, step) for step in advances]


async def _advance(connection: AsyncConnection, step: Advance) -> bool:
    if not await READER.move(connection, step.start, step.to):
        return False
    if not step.calls:
        return True
    await add_calls(connection, step.calls, step.now_ms)
    return True


async def add_calls(connection: AsyncConnection, calls: Sequence[NewCall], now_ms: int) -> None:
    """Adds calls; those of a disabled webhook as failed, those of one that is gone not at all."""
    known = await statuses(connection, {(call.org_id, call.webhook_id) for call in calls})
    rows = [
        {
            "org_id": call.org_id,
            "webhook_id": call.webhook_id,
            "event_id": call.event_id,
            "type": call.type,
            "body": call.body,
            "status": PENDING if status == ENABLED else FAILED,
            "due_at": now_ms if status == ENABLED else None,
            "attempts": 0,
            "earlier_attempts": 0,
            "lease_owner": None,
            "lease_token": 0,
            "lease_until": None,
            "happened_at": call.happened_at,
            "created_at": now_ms,
        }
        for call in calls
        if (status := known.get((call.org_id, call.webhook_id))) is not None
    ]
    await _ADD.change(connection, rows)

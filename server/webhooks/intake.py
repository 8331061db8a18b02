"""Fills the queue of calls: the reader of the log advances and its calls are added, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.db.statements import Change
from server.db.tx import Tx
from server.events.reader import Reader
from server.events.rows import Place
from server.webhooks.store import ENABLED, FAILED, PENDING, statuses

READER = Reader("webhooks")

# A call that was added before stays as it is.
_ADD = Change("""
    INSERT INTO webhook_calls (
        org_id, webhook_id, event_id, type, body, status, due_at, attempts, earlier_attempts,
        lease_owner, lease_token, lease_until, happened_at, created_at, test
    ) VALUES (
        :org_id, :webhook_id, :event_id, :type, :body, :status, :due_at, 0, 0,
        NULL, 0, NULL, :happened_at, :created_at, :test
    ) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call of a webhook about an event that happened at a time (milliseconds since 1970).

    `test` is for calls about test mail, and for test calls.
    """

    org_id: str
    webhook_id: str
    event_id: str
    type: str
    body: bytes
    happened_at: int
    test: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """The calls about the events between two places of a unit of the log, which the reader has read."""

    unit: int
    start: Place
    to: Place
    calls: Sequence[NewCall]
    now_ms: int


def advance(tx: Tx, advances: Sequence[Advance]) -> list[bool]:
    """Moves the reader and adds the calls, both or neither; an act of the `Writer`.

    The calls of a webhook that is disabled are added as failed, so that its owner can replay them later.
    False if another process has moved the reader: then nothing was changed.
    """
    return [_advance(tx, step) for step in advances]


def _advance(tx: Tx, step: Advance) -> bool:
    if not READER.move(tx, step.unit, step.start, step.to):
        return False
    if step.calls:
        add_calls(tx, step.calls, step.now_ms)
    return True


def add_calls(tx: Tx, calls: Sequence[NewCall], now_ms: int) -> None:
    """Adds calls; those of a disabled webhook as failed, those of a removed one not at all."""
    known = statuses(tx, {(call.org_id, call.webhook_id) for call in calls})
    rows = [
        {
            "org_id": call.org_id,
            "webhook_id": call.webhook_id,
            "event_id": call.event_id,
            "type": call.type,
            "body": call.body,
            "status": PENDING if status == ENABLED else FAILED,
            "due_at": now_ms if status == ENABLED else None,
            "happened_at": call.happened_at,
            "created_at": now_ms,
            "test": call.test,
        }
        for call in calls
        if (status := known.get((call.org_id, call.webhook_id))) is not None
    ]
    _ADD.run(tx, rows)

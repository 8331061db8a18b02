"""The queue of calls in the store, claimed by lease."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import update

from server.db.keys import KeyType
from server.db.statements import Change, Statement
from server.db.tables.webhooks import webhook_calls
from server.db.tx import Tx
from server.webhooks.due import CallId
from server.webhooks.store import FAILED, WebhookKey, endpoints, fail_calls_of_disabled


class CallKey(NamedTuple):
    """A claimed call. The token is that of the claim: a later claim of the same call has a higher one."""

    org_id: str
    webhook_id: str
    event_id: str
    token: int

    @property
    def id(self) -> CallId:
        """The call, whoever claimed it."""
        return CallId(self.org_id, self.webhook_id, self.event_id)

    @property
    def webhook(self) -> WebhookKey:
        """The webhook of the call."""
        return self.org_id, self.webhook_id


@dataclass(frozen=True, slots=True)
class Claim:
    """The wish of an owner to hold these calls until a time."""

    owner: str
    until: int
    wanted: Sequence[CallId]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call that this process holds until its lease ends.

    `attempts` were made before in this round, which began at `created_at`, and `earlier` in the rounds
    before it.
    """

    key: CallKey
    type: str
    body: bytes
    attempts: int
    earlier: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """The wish of an owner to hold its calls until a later time."""

    owner: str
    until: int
    keys: Collection[CallKey]


class Progress(NamedTuple):
    """The new state of a claimed call; `due_at` is None if there is no further attempt."""

    key: CallKey
    status: str
    due_at: int | None
    attempts: int


class _TakenRow(NamedTuple):
    org_id: str
    webhook_id: str
    event_id: str
    lease_token: int
    type: str
    body: bytes
    attempts: int
    earlier_attempts: int
    created_at: int


_KEYS: dict[str, KeyType] = {"org_id": "text", "webhook_id": "text", "event_id": "text"}

# Leases the calls of a list that are still free; other servers take other calls.
_TAKE = Statement(
    _TakenRow,
    """
    UPDATE webhook_calls
    SET lease_owner = :owner, lease_until = :until, lease_token = lease_token + 1
    WHERE (org_id, webhook_id, event_id) IN (
        SELECT org_id, webhook_id, event_id FROM webhook_calls
        WHERE (org_id, webhook_id, event_id) IN {keys} AND lease_until IS NULL AND due_at IS NOT NULL
        {postgresql: FOR UPDATE SKIP LOCKED}
    )
    RETURNING org_id, webhook_id, event_id, lease_token, type, body, attempts, earlier_attempts, created_at
    """,
    keys=_KEYS,
)
# Renews what is held, and nothing else that carries the owner's name: a claim whose answer was lost must end.
_RENEW = Statement(
    CallKey,
    """
    UPDATE webhook_calls SET lease_until = :until
    WHERE (org_id, webhook_id, event_id, lease_token) IN {keys} AND lease_owner = :owner
    RETURNING org_id, webhook_id, event_id, lease_token AS token
    """,
    keys=_KEYS | {"token": "integer"},
)
_LEASED_BY = Statement(
    CallKey,
    """
    SELECT org_id, webhook_id, event_id, lease_token AS token FROM webhook_calls
    WHERE lease_until IS NOT NULL AND lease_owner = :owner
    """,
)
# The two ends of a lease change nothing if the call was claimed again meanwhile.
_PROGRESS = Change("""
    UPDATE webhook_calls
    SET status = :status, due_at = :due_at, attempts = :attempts, lease_owner = NULL, lease_until = NULL
    WHERE org_id = :org_id AND webhook_id = :webhook_id AND event_id = :event_id AND lease_token = :token
""")
_RELEASE = Change("""
    UPDATE webhook_calls SET lease_owner = NULL, lease_until = NULL
    WHERE org_id = :org_id AND webhook_id = :webhook_id AND event_id = :event_id AND lease_token = :token
""")


def claim(tx: Tx, claims: Sequence[Claim]) -> list[list[Claimed]]:
    """Takes the wanted calls that nobody took meanwhile; an act of the `Writer`."""
    return [_claim(tx, one) for one in claims]


def _claim(tx: Tx, claim: Claim) -> list[Claimed]:
    taken = _TAKE.all(tx, claim.wanted, owner=claim.owner, until=claim.until)
    receivers = endpoints(tx, {(row.org_id, row.webhook_id) for row in taken})
    claimed, idle = [], []
    for row in taken:
        receiver = receivers.get((row.org_id, row.webhook_id))
        if receiver is None:
            continue  # the webhook is being removed, and its calls with it
        key = CallKey(row.org_id, row.webhook_id, row.event_id, row.lease_token)
        if not receiver.is_called:
            # Disabled during an attempt, after which the call came back to the queue; or banned.
            idle.append(Progress(key, FAILED, None, row.attempts))
            continue
        claimed.append(Claimed(key, row.type, row.body, row.attempts, row.earlier_attempts, row.created_at))
    record(tx, idle)
    order = {id: position for position, id in enumerate(claim.wanted)}
    return sorted(claimed, key=lambda call: order[call.key.id])


def record(tx: Tx, progress: Sequence[Progress]) -> None:
    """Records the progress of calls that are still held, and ends their leases."""
    _PROGRESS.run(
        tx,
        [
            {**one.key._asdict(), "status": one.status, "due_at": one.due_at, "attempts": one.attempts}
            for one in progress
        ],
    )


def renew(tx: Tx, renewals: Sequence[Renewal]) -> list[set[CallKey]]:
    """Extends leases and returns the keys that were still held; an act of the `Writer`."""
    return [set(_RENEW.all(tx, one.keys, owner=one.owner, until=one.until)) for one in renewals]


def release(tx: Tx, keys: Sequence[CallKey]) -> list[None]:
    """Returns calls to the queue that were not made; an act of the `Writer`.

    Those of a webhook that was disabled meanwhile are marked as failed.
    """
    _RELEASE.run(tx, [key._asdict() for key in sorted(keys)])
    fail_calls_of_disabled(tx, {key.webhook for key in keys})
    return [None] * len(keys)


def leased_by(tx: Tx, owner: str) -> list[CallKey]:
    """The calls that an owner has claimed and neither recorded nor released."""
    return _LEASED_BY.all(tx, owner=owner)


def release_expired(tx: Tx, times: Sequence[int]) -> list[int]:
    """Returns calls to the queue whose leases ended before a time, and counts them.

    An act of the `Writer`.
    """
    released = tx.change(
        update(webhook_calls)
        .where(webhook_calls.c.lease_until < max(times))
        .values(lease_owner=None, lease_until=None)
    )
    return [released] * len(times)


def give_up_stale(tx: Tx, items: Sequence[tuple[WebhookKey, int]]) -> list[int]:
    """Marks the calls of a webhook as failed that were due before a time, and counts them.

    An act of the `Writer`.
    """
    return [
        tx.change(
            update(webhook_calls)
            .where(
                webhook_calls.c.org_id == org_id,
                webhook_calls.c.webhook_id == webhook_id,
                webhook_calls.c.lease_until.is_(None),
                webhook_calls.c.due_at < before,
            )
            .values(status=FAILED, due_at=None)
        )
        for (org_id, webhook_id), before in items
    ]

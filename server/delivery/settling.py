"""Records attempts in the transaction that ends their leases: the queue, the states, the suppressions."""

from collections.abc import Iterator, Sequence

import structlog

from server.account_health.rules import CountsAs
from server.db.tx import Tx
from server.delivery.record import Settlement
from server.emails.lifecycle import Effect, Status
from server.emails.transitions import Reply, Transition, apply
from server.queue import store as queue
from server.queue.rows import Retry
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.rules import blames_mailbox

_log = structlog.get_logger()


def settle(tx: Tx, settlements: Sequence[Settlement], now: int) -> list[bool]:
    """Records attempts with their events; False for each whose row is no longer leased under its key.

    A result that does not fit the recipient's state ends the lease and is logged.
    """
    ours = queue.leased(tx, [settlement.key for settlement in settlements])
    live = [settlement for settlement in settlements if settlement.key in ours]
    if live:
        queue.finish(tx, [done.key for done in live if done.due_at is None])
        queue.reschedule(
            tx,
            [
                Retry(later.key, later.due_at, later.attempts, later.uncertain)
                for later in live
                if later.due_at is not None
            ],
        )
        recorded = _record(tx, live, now)
        bounced = [s for s in recorded if s.status == "bounced" and s.of_mailbox and not s.simulated]
        suppress_bounced(tx, list(map(_bounce, bounced)), now)
    return [settlement.key in ours for settlement in settlements]


def _record(tx: Tx, settlements: Sequence[Settlement], now: int) -> list[Settlement]:
    """Changes the states of the recipients; the settlements that were legal."""
    steps = [(settlement, step) for settlement in settlements for step in _transitions(settlement)]
    results = apply(tx, [step for _, step in steps], now)
    recorded = []
    for (settlement, step), result in zip(steps, results, strict=True):
        if result.effect is not Effect.APPLIED:
            key = settlement.key
            _log.error("a result does not fit the recipient's state", email_id=key.email_id, no=key.no)
        elif step.status == settlement.status:
            recorded.append(settlement)
    return recorded


def _transitions(settlement: Settlement) -> Iterator[Transition]:
    """The transitions of an attempt: a complaint comes after the delivery of the message it is about."""
    key = settlement.key
    reply = Reply(settlement.code, settlement.enhanced, settlement.text, settlement.host or None)
    steps: tuple[Status, ...] = (settlement.status,)
    if settlement.status == "complained":
        steps = ("delivered", "complained")
    for status in steps:
        yield Transition(
            *(key.org_id, key.email_id, key.no, status, settlement.attempts, reply),
            possible_duplicate=settlement.possible_duplicate,
            is_locked=settlement.alone,
            counts_as=_counts_as(settlement, status),
        )


def _counts_as(settlement: Settlement, status: Status) -> CountsAs | None:
    """The part of an outcome in the health of the account; only a reply to RCPT blames a mailbox (C-60)."""
    if settlement.simulated:
        return None
    if status == "bounced":
        is_blamed = settlement.of_mailbox and blames_mailbox(settlement.enhanced, settlement.text)
        return "bounced" if is_blamed else "refused"
    return status if status in ("delivered", "complained") else None


def _bounce(settlement: Settlement) -> Bounce:
    key = settlement.key
    return Bounce(key.org_id, key.email_id, settlement.address, settlement.enhanced, settlement.text)

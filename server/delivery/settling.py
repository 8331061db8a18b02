"""Records attempts in the transaction that ends their leases: recipients, emails, events, suppressions."""

from collections.abc import Sequence
from typing import NamedTuple

from server.db.keys import KeyType
from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.delivery import queue
from server.delivery.rows import Settlement
from server.emails.lifecycle import email_status
from server.emails.store import forget_attachments
from server.events import log
from server.suppressions.bounces import Bounce, suppress_bounced

_EMAIL: dict[str, KeyType] = {"org_id": "text", "email_id": "text"}


class _EmailKey(NamedTuple):
    org_id: str
    email_id: str


class _RecipientStatus(NamedTuple):
    org_id: str
    email_id: str
    status: str


_SET_RECIPIENT = Change(
    """
    UPDATE recipients SET status = :status, attempts = :attempts, reply_code = :reply_code,
        reply_status = :reply_status, reply_text = :reply_text, remote_host = :remote_host,
        updated_at = :updated_at
    WHERE org_id = :org_id AND email_id = :email_id AND no = :no
    """
)
_LOCK_EMAILS = Statement(
    _EmailKey,
    """
    SELECT e.org_id, e.id AS email_id FROM {keys} AS k CROSS JOIN emails AS e
    WHERE e.org_id = k.org_id AND e.id = k.email_id ORDER BY e.id
    {postgresql: FOR UPDATE OF e}
    """,
    keys=_EMAIL,
)
_RECIPIENT_STATUSES = Statement(
    _RecipientStatus,
    """
    SELECT r.org_id, r.email_id, r.status FROM {keys} AS k CROSS JOIN recipients AS r
    WHERE r.org_id = k.org_id AND r.email_id = k.email_id
    """,
    keys=_EMAIL,
)
_SET_EMAIL = Change("UPDATE emails SET status = :status WHERE org_id = :org_id AND id = :email_id")


def settle(tx: Tx, settlements: Sequence[Settlement], now: int) -> list[bool]:
    """Records attempts with their events; False for each whose row is no longer leased under its key."""
    ours = queue.leased(tx, [settlement.key for settlement in settlements])
    live = [settlement for settlement in settlements if settlement.key in ours]
    if live:
        _settle(tx, live, now)
    return [settlement.key in ours for settlement in settlements]


def _settle(tx: Tx, settlements: Sequence[Settlement], now: int) -> None:
    queue.finish(tx, settlements)
    _SET_RECIPIENT.run(tx, [_recipient(settlement, now) for settlement in settlements])
    _set_statuses(tx, settlements)
    # After the locks of `_set_statuses`, so that the last of several sees what the others deleted.
    forget_attachments(tx, {s.key[:2] for s in settlements if s.due_at is None})
    log.append(tx, [entry for settlement in settlements for entry in _entries(settlement, now)])
    suppress_bounced(tx, [_bounce(s) for s in settlements if s.status == "bounced" and not s.simulated], now)


def _set_statuses(tx: Tx, settlements: Sequence[Settlement]) -> None:
    statuses = {s.key[:2]: {s.status} for s in settlements if s.alone}
    others = sorted({s.key[:2] for s in settlements if not s.alone})
    if others:
        if not tx.is_sqlite:
            # A transaction that settles another recipient of the same email at this moment waits here, and
            # then sees what this one wrote.
            _LOCK_EMAILS.all(tx, keys=others)
        for row in _RECIPIENT_STATUSES.all(tx, keys=others):
            statuses.setdefault((row.org_id, row.email_id), set()).add(row.status)
    _SET_EMAIL.run(
        tx,
        [
            {"org_id": org_id, "email_id": email_id, "status": email_status(found)}
            for (org_id, email_id), found in statuses.items()
        ],
    )


def _recipient(settlement: Settlement, now: int) -> dict[str, object]:
    return {
        "org_id": settlement.key.org_id,
        "email_id": settlement.key.email_id,
        "no": settlement.key.no,
        "status": settlement.status,
        "attempts": settlement.attempts,
        "reply_code": settlement.code,
        "reply_status": settlement.enhanced,
        "reply_text": settlement.text,
        "remote_host": settlement.host or None,
        "updated_at": now,
    }


def _entries(settlement: Settlement, now: int) -> list[log.Entry]:
    """The events of an attempt: a complaint comes after the delivery of the message it is about."""
    happened = ["delivered"] if settlement.status == "complained" else []
    return [_entry(settlement, status, now) for status in (*happened, settlement.status)]


def _entry(settlement: Settlement, status: str, now: int) -> log.Entry:
    return log.Entry(
        org_id=settlement.key.org_id,
        email_id=settlement.key.email_id,
        type=f"email.{status}",
        created_at=now,
        recipient=settlement.address,
        attempt=settlement.attempts,
        reply_code=settlement.code,
        reply_status=settlement.enhanced,
        reply_text=settlement.text,
        remote_host=settlement.host or None,
        possible_duplicate=settlement.possible_duplicate,
    )


def _bounce(settlement: Settlement) -> Bounce:
    key = settlement.key
    return Bounce(key.org_id, key.email_id, settlement.address, settlement.enhanced, settlement.text)

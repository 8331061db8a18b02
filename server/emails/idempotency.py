"""Idempotency keys: the first answer is stored with what it acknowledges (contract row F-1)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import delete, select

from server.db.keys import in_keys
from server.db.statements import BulkInsert, Statement
from server.db.tables.emails import idempotency_keys
from server.db.tx import Tx
from server.emails.candidate import IdempotencyKey, Operation, Remembered

LIFETIME_MS = 24 * 3_600_000
# The most rows that one sweep deletes, so that it never delays an accept for long.
_MAX_SWEPT = 1_000

_PRIMARY_KEY = (idempotency_keys.c.org_id, idempotency_keys.c.operation, idempotency_keys.c.key)


class _RememberedRow(NamedTuple):
    org_id: str
    operation: Operation
    key: str
    request_hash: bytes
    response: bytes
    expires_at: int

    @property
    def scope(self) -> IdempotencyKey:
        return IdempotencyKey(self.org_id, self.operation, self.key)


_RECALL = Statement(
    _RememberedRow,
    """
    SELECT org_id, operation, key, request_hash, response, expires_at
    FROM idempotency_keys WHERE (org_id, operation, key) IN {keys}
    """,
    keys={"org_id": "text", "operation": "text", "key": "text"},
)
_INSERT = BulkInsert(idempotency_keys)


def recall(
    tx: Tx, keys: Iterable[IdempotencyKey], now_ms: int, *, delete_expired: bool = False
) -> dict[IdempotencyKey, Remembered]:
    """The answers remembered under these keys.

    With `delete_expired` the keys whose answers are too old become free, for `remember` to take.
    """
    unique = set(keys)
    if not unique:
        return {}
    rows = _RECALL.all(tx, unique)
    expired = [row.scope for row in rows if row.expires_at <= now_ms] if delete_expired else []
    if expired:
        tx.change(delete(idempotency_keys).where(in_keys(tx, _PRIMARY_KEY, expired)))
    return {row.scope: Remembered(row.request_hash, row.response) for row in rows if row.expires_at > now_ms}


def remember(tx: Tx, answers: Mapping[IdempotencyKey, Remembered], now_ms: int) -> None:
    """Stores new answers for 24 hours."""
    _INSERT.rows(
        tx,
        [
            {
                "org_id": key.org_id,
                "operation": key.operation,
                "key": key.key,
                "request_hash": answer.request_hash,
                "response": answer.response,
                "expires_at": now_ms + LIFETIME_MS,
            }
            for key, answer in answers.items()
        ],
    )


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes answers that are too old; True if more may be left."""
    old = tx.all(
        IdempotencyKey, select(*_PRIMARY_KEY).where(idempotency_keys.c.expires_at <= now_ms).limit(_MAX_SWEPT)
    )
    if old:
        # One that was taken again meanwhile stays.
        is_old = idempotency_keys.c.expires_at <= now_ms
        tx.change(delete(idempotency_keys).where(in_keys(tx, _PRIMARY_KEY, old), is_old))
    return len(old) == _MAX_SWEPT

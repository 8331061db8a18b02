"""Scheduled emails that stop waiting: what an organisation may have of them has room again (C-88)."""

from collections.abc import Collection
from typing import NamedTuple

from server.db.statements import Statement
from server.db.tx import Tx
from server.quotas import store as quotas


class _Waiting(NamedTuple):
    org_id: str
    size: int


_WAITING = Statement(
    _Waiting,
    "SELECT org_id, COALESCE(waiting_bytes, 0) AS size FROM emails WHERE (org_id, id) IN {keys}",
    keys={"org_id": "text", "email_id": "text"},
)


def stop_waiting(tx: Tx, keys: Collection[tuple[str, str]]) -> None:
    """Counts out emails (organisation, email) that were scheduled and wait no more."""
    if keys:
        quotas.stop_waiting(tx, _WAITING.all(tx, keys))

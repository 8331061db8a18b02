"""The webhooks that an organisation owns: a limited number, and no two alike (contract row C-88)."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from server.db.tables.webhooks import webhooks
from server.db.tx import Tx
from server.limits import check_room, lock
from server.webhooks import store
from server.webhooks.faults import WebhookAlreadyExists
from server.webhooks.rules import is_same
from server.webhooks.store import NewWebhook, WebhookChange, WebhookRow


class _Row(NamedTuple):
    id: str
    url: str
    events: str


def create(tx: Tx, new: NewWebhook) -> None:
    """Stores a webhook. Raises `LimitReached`, `WebhookAlreadyExists`."""
    check_room(tx, new.org_id, "webhooks")
    _check_others(tx, new.org_id, new.id, new.url, new.events)
    store.add(tx, [new])


def change(tx: Tx, org_id: str, id: str, wanted: WebhookChange, now_ms: int) -> WebhookRow:
    """Changes a webhook and returns it. Raises `WebhookNotFound`, `WebhookAlreadyExists`."""
    if wanted.url is not None or wanted.events is not None:
        lock(tx, org_id)
        before = store.get(tx, org_id, id)
        events = json.loads(before.events) if wanted.events is None else wanted.events
        _check_others(tx, org_id, id, wanted.url or before.url, events)
    return store.change(tx, org_id, id, wanted, now_ms)


def _check_others(tx: Tx, org_id: str, id: str, url: str, events: Sequence[str]) -> None:
    """Raises `WebhookAlreadyExists` if another webhook has this URL and these events."""
    columns = (webhooks.c.id, webhooks.c.url, webhooks.c.events)
    for other in tx.all(_Row, select(*columns).where(webhooks.c.org_id == org_id, webhooks.c.id != id)):
        if is_same(url, events, other.url, json.loads(other.events)):
            raise WebhookAlreadyExists(other.id)

"""The registered webhooks in the store."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sqlalchemy import delete, insert, select, update

from server.db.keys import KeyType, in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Statement
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.tx import Tx
from server.events import log
from server.faults import ValidationFailed, Violation
from server.webhooks.faults import WebhookNotFound
from server.webhooks.formats.table import DEFAULT

ENABLED = "enabled"
DISABLED = "disabled"

# Reasons for which a webhook is disabled.
OWNER = "owner"
GONE = "gone"
FAILING = "failing"

# The states of a call.
PENDING = "pending"
ATTEMPTING = "attempting"
SUCCESS = "success"
FAILED = "failed"

# The ids of an organisation and of one of its webhooks.
WebhookKey: TypeAlias = tuple[str, str]

_PRIMARY_KEY = (webhooks.c.org_id, webhooks.c.id)


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook to store; its secret is sealed."""

    org_id: str
    id: str
    url: str
    events: Sequence[str]
    secret: bytes
    created_at: int
    format: str = DEFAULT


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """New values of a webhook; what is None stays as it is."""

    url: str | None
    events: Sequence[str] | None
    status: str | None


class KeyRow(NamedTuple):
    """A `WebhookKey` as it is read."""

    org_id: str
    id: str


class WebhookRow(NamedTuple):
    """A webhook without its secret."""

    id: str
    url: str
    events: str  # a JSON list of event types
    status: str
    disabled_reason: str
    disabled_at: int | None
    created_at: int
    format: str


class Endpoint(NamedTuple):
    """The receiver of a webhook's calls; the secrets are sealed.

    `is_called` is False for a webhook that is disabled, and for those of a banned organisation (C-86).
    """

    org_id: str
    id: str
    url: str
    format: str
    is_called: bool
    secret: bytes
    secret_before: bytes | None
    secret_before_until: int | None


class _StatusRow(NamedTuple):
    org_id: str
    id: str
    status: str


_SHOWN = tuple(webhooks.c[name] for name in WebhookRow._fields)
_KEYS: Mapping[str, KeyType] = {"org_id": "text", "id": "text"}
_ENDPOINTS = Statement(
    Endpoint,
    """
    SELECT w.org_id, w.id, w.url, w.format,
        w.status = 'enabled' AND COALESCE(o.state, '') <> 'banned' AS is_called,
        w.secret, w.secret_before, w.secret_before_until
    FROM webhooks AS w LEFT JOIN organisations AS o ON o.org_id = w.org_id
    WHERE (w.org_id, w.id) IN {keys}
    """,
    keys=_KEYS,
)
# Locks the webhooks, in one order everywhere, so that two servers cannot block each other.
_STATUSES = Statement(
    _StatusRow,
    """
    SELECT org_id, id, status FROM webhooks WHERE (org_id, id) IN {keys} ORDER BY org_id, id
    {postgresql: FOR SHARE}
    """,
    keys=_KEYS,
)
# Locks the disabled ones: nobody enables them until the transaction ends.
_DISABLED = Statement(
    KeyRow,
    """
    SELECT org_id, id FROM webhooks WHERE (org_id, id) IN {keys} AND status = :status ORDER BY org_id, id
    {postgresql: FOR SHARE}
    """,
    keys=_KEYS,
)


def seal_context(id: str) -> str:
    """The context under which the secrets of a webhook are sealed."""
    return f"webhook:{id}"


def add(tx: Tx, new: Sequence[NewWebhook]) -> list[None]:
    """Stores webhooks, which get the events that are appended to the log from now on.

    An act of the `Writer`.
    """
    tx.change(
        insert(webhooks),
        [
            {
                "org_id": webhook.org_id,
                "id": webhook.id,
                "url": webhook.url,
                "events": json.dumps(list(webhook.events)),
                "secret": webhook.secret,
                "format": webhook.format,
                "status": ENABLED,
                "since_stamp": since.stamp,
                "since_seq": since.seq,
                "created_at": webhook.created_at,
            }
            for webhook in new
            for since in (log.end(tx, webhook.org_id),)
        ],
    )
    return [None] * len(new)


def page(tx: Tx, org_id: str, request: PageRequest) -> Page[WebhookRow]:
    """A page of an organisation's webhooks, newest first."""
    query = select(*_SHOWN).where(webhooks.c.org_id == org_id)
    return newest_first(tx, WebhookRow, query, webhooks.c.id, request)


def get(tx: Tx, org_id: str, id: str) -> WebhookRow:
    """One webhook, without its secret. Raises `WebhookNotFound`."""
    query = select(*_SHOWN).where(webhooks.c.org_id == org_id, webhooks.c.id == id)
    row = tx.first(WebhookRow, query)
    if row is None:
        raise WebhookNotFound(id)
    return row


def check_enabled(tx: Tx, org_id: str, id: str) -> None:
    """Locks an enabled webhook, so that it stays enabled until the transaction ends.

    Raises `WebhookNotFound`, or `ValidationFailed` if it is disabled.
    """
    status = statuses(tx, [(org_id, id)]).get((org_id, id))
    if status is None:
        raise WebhookNotFound(id)
    if status != ENABLED:
        raise ValidationFailed([Violation("id", "is the id of a webhook that is disabled: enable it first")])


def change(tx: Tx, org_id: str, id: str, wanted: WebhookChange, now_ms: int) -> WebhookRow:
    """Changes a webhook and returns it. Raises `WebhookNotFound`.

    Enabling a webhook clears its history: earlier failures do not count against it.
    """
    values: dict[str, str | None] = {}
    if wanted.url is not None:
        values["url"] = wanted.url
    if wanted.events is not None:
        values["events"] = json.dumps(list(wanted.events))
    if wanted.status == ENABLED:
        values |= {"status": ENABLED, "disabled_reason": "", "disabled_at": None, "failing_since": None}
    if values:
        mine = (webhooks.c.org_id == org_id, webhooks.c.id == id)
        tx.change(update(webhooks).where(*mine).values(values))
    if wanted.status == DISABLED:
        disable(tx, [(org_id, id)], OWNER, now_ms)
    return get(tx, org_id, id)


def rotate(tx: Tx, org_id: str, id: str, secret: bytes, until: int) -> None:
    """Gives a webhook a new sealed secret; the present one stays valid until the time `until`.

    Raises `WebhookNotFound`.
    """
    changed = tx.change(
        update(webhooks)
        .where(webhooks.c.org_id == org_id, webhooks.c.id == id)
        .values(secret=secret, secret_before=webhooks.c.secret, secret_before_until=until)
    )
    if changed != 1:
        raise WebhookNotFound(id)


def remove(tx: Tx, keys: Sequence[WebhookKey]) -> list[WebhookNotFound | None]:
    """Removes webhooks and their calls; an act of the `Writer`.

    The webhook goes first: whoever adds calls or records attempts locks it meanwhile, so that none is left
    behind.
    """
    removal = delete(webhooks).where(in_keys(tx, _PRIMARY_KEY, keys)).returning(*_PRIMARY_KEY)
    removed: set[WebhookKey] = set(tx.all(KeyRow, removal))
    if removed:
        for table in (webhook_calls, webhook_attempts):
            tx.change(delete(table).where(in_keys(tx, (table.c.org_id, table.c.webhook_id), removed)))
    # Of two removals of one webhook in one transaction, the second finds nothing.
    outcomes: list[WebhookNotFound | None] = []
    for key in keys:
        outcomes.append(None if key in removed else WebhookNotFound(key[1]))
        removed.discard(key)
    return outcomes


def disable(tx: Tx, keys: Collection[WebhookKey], reason: str, now_ms: int) -> None:
    """Disables webhooks. Their waiting calls are kept as failed, so that the owner can replay them.

    A call in flight is recorded when it ends.
    """
    if not keys:
        return
    tx.change(
        update(webhooks)
        .where(in_keys(tx, _PRIMARY_KEY, keys), webhooks.c.status == ENABLED)
        .values(status=DISABLED, disabled_reason=reason, disabled_at=now_ms)
    )
    fail_waiting_calls(tx, keys)


def fail_waiting_calls(tx: Tx, keys: Collection[WebhookKey]) -> None:
    """Marks the waiting calls of these webhooks as failed."""
    tx.change(
        update(webhook_calls)
        .where(
            in_keys(tx, (webhook_calls.c.org_id, webhook_calls.c.webhook_id), keys),
            webhook_calls.c.lease_until.is_(None),
            webhook_calls.c.due_at.is_not(None),
        )
        .values(status=FAILED, due_at=None)
    )


def fail_calls_of_disabled(tx: Tx, keys: Collection[WebhookKey]) -> None:
    """Marks the waiting calls of the disabled ones of these webhooks as failed.

    For calls that were leased while their webhook was disabled and have come back to the queue.
    """
    if keys and (disabled := sorted(_DISABLED.all(tx, keys, status=DISABLED))):
        fail_waiting_calls(tx, disabled)


def statuses(tx: Tx, keys: Collection[WebhookKey]) -> dict[WebhookKey, str]:
    """The status of each of these webhooks that exists, locked until the transaction ends."""
    return {(row.org_id, row.id): row.status for row in _STATUSES.all(tx, keys)}


def endpoints(tx: Tx, keys: Collection[WebhookKey]) -> dict[WebhookKey, Endpoint]:
    """The receivers of the calls of these webhooks."""
    return {(row.org_id, row.id): row for row in _ENDPOINTS.all(tx, keys)}

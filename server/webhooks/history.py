"""The calls of webhooks, made or to be made: listed, replayed, deleted in time (contract row F-3)."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Update, and_, literal_column, select, update

from server.db.listing import (
    MAX_COUNTED,
    MAX_SCANNED,
    Page,
    PageRequest,
    newest_first,
    newest_in_ranges,
    newest_passing,
)
from server.db.tables.webhooks import webhook_attempts, webhook_calls
from server.db.tx import Tx
from server.webhooks.faults import EventNotFound
from server.webhooks.formats.format import TEST_TYPE, Format
from server.webhooks.formats.table import FORMATS
from server.webhooks.intake import NewCall, add_calls
from server.webhooks.store import (
    ATTEMPTING,
    FAILED,
    PENDING,
    SUCCESS,
    WebhookKey,
    check_enabled,
    endpoints,
    get,
)


class CallRow(NamedTuple):
    """A call, without its body."""

    event_id: str
    type: str
    status: str
    attempts: int
    earlier_attempts: int
    due_at: int | None
    happened_at: int


class CallWithBody(NamedTuple):
    """A call, with the bytes that are sent at each attempt."""

    event_id: str
    type: str
    status: str
    attempts: int
    earlier_attempts: int
    due_at: int | None
    happened_at: int
    body: bytes


class AttemptRow(NamedTuple):
    """An attempt. `status_code` is None if there was no answer; `detail` then says why."""

    id: str
    attempt: int
    status_code: int | None
    detail: str
    response: bytes
    duration_ms: int
    attempted_at: int


_STATUSES = frozenset({PENDING, ATTEMPTING, SUCCESS, FAILED})
# A literal: a plan for any parameter could not use the partial index `ix_webhook_calls_unsuccessful`.
_UNSUCCESSFUL = webhook_calls.c.status != literal_column(f"'{SUCCESS}'")


def calls(
    tx: Tx,
    webhook: WebhookKey,
    statuses: Collection[str],
    request: PageRequest,
    *,
    test_only: bool = False,
    max_scanned: int = MAX_SCANNED,
    max_counted: int = MAX_COUNTED,
) -> Page[CallRow]:
    """A page of a webhook's calls, newest event first. Raises `WebhookNotFound`.

    With `test_only` a page of those about test mail, and of test calls. No index finds these, nor the
    successful ones: at most `max_scanned` other calls are read in search of them. The total is exact up to
    `max_counted`.
    """
    get(tx, *webhook)
    query = select(*(webhook_calls.c[name] for name in CallRow._fields)).where(*_of(webhook))
    id = webhook_calls.c.event_id
    chosen = sorted(_STATUSES.intersection(statuses)) or sorted(_STATUSES)
    if len(chosen) == len(_STATUSES) and not test_only:
        return newest_first(tx, CallRow, query, id, request, max_counted=max_counted)
    if SUCCESS in chosen or test_only:
        check = and_(webhook_calls.c.status.in_(chosen), *_within(test_only=test_only))
        return newest_passing(
            tx, CallRow, query, id, check, request, max_scanned=max_scanned, max_counted=max_counted
        )
    ranges = [_unsuccessful(status) for status in chosen]
    return newest_in_ranges(tx, CallRow, query, id, ranges, request, max_counted=max_counted)


def call(tx: Tx, webhook: WebhookKey, event_id: str, *, test_only: bool = False) -> CallWithBody:
    """One call, with `test_only` as for `calls`. Raises `WebhookNotFound`, `EventNotFound`."""
    get(tx, *webhook)
    query = select(*(webhook_calls.c[name] for name in CallWithBody._fields))
    this = (*_of(webhook), webhook_calls.c.event_id == event_id, *_within(test_only=test_only))
    row = tx.first(CallWithBody, query.where(*this))
    if row is None:
        raise EventNotFound(event_id)
    return row


def attempts(
    tx: Tx, webhook: WebhookKey, event_id: str, request: PageRequest, *, test_only: bool = False
) -> Page[AttemptRow]:
    """A page of the attempts of a call, newest first. Raises as `call` does."""
    call(tx, webhook, event_id, test_only=test_only)
    query = select(*(webhook_attempts.c[name] for name in AttemptRow._fields)).where(
        *_attempts_of(webhook), webhook_attempts.c.event_id == event_id
    )
    return newest_first(tx, AttemptRow, query, webhook_attempts.c.id, request)


def add_test(
    tx: Tx, webhook: WebhookKey, event_id: str, now_ms: int, formats: Mapping[str, Format] = FORMATS
) -> None:
    """Adds a test call, in the webhook's format.

    Raises `WebhookNotFound`, `ValidationFailed` if the webhook is disabled, and `KeyError` if its format is
    unknown.
    """
    check_enabled(tx, *webhook)
    format = formats[endpoints(tx, [webhook])[webhook].format]
    body = format.test_body(webhook[1], now_ms)
    add_calls(tx, [NewCall(*webhook, event_id, TEST_TYPE, body, now_ms, test=True)], now_ms)


def replay(tx: Tx, webhook: WebhookKey, event_id: str, now_ms: int) -> None:
    """Puts a call back into the queue, whatever its state. Raises as `check_enabled`, and `EventNotFound`."""
    check_enabled(tx, *webhook)
    if tx.change(_again(now_ms).where(*_of(webhook), webhook_calls.c.event_id == event_id)) != 1:
        raise EventNotFound(event_id)


def failed(tx: Tx, webhook: WebhookKey, since: int, after: str, limit: int) -> list[str]:
    """The ids of events since a time whose calls failed, in order: up to `limit` after the id `after`.

    For reading transactions: among many failed calls it takes a while to find those since a late time.
    """
    return tx.scalars(
        str,
        select(webhook_calls.c.event_id)
        .where(
            *_of(webhook),
            _unsuccessful(FAILED),
            webhook_calls.c.event_id > after,
            webhook_calls.c.happened_at >= since,
        )
        .order_by(webhook_calls.c.event_id)
        .limit(limit),
    )


def replay_failed(tx: Tx, webhook: WebhookKey, event_ids: Sequence[str], now_ms: int) -> int:
    """Puts those of these calls that failed back into the queue, and counts them.

    Raises as `check_enabled`.
    """
    check_enabled(tx, *webhook)
    return tx.change(
        _again(now_ms).where(
            *_of(webhook), webhook_calls.c.event_id.in_(event_ids), webhook_calls.c.status == FAILED
        )
    )


def _of(webhook: WebhookKey) -> tuple[ColumnElement[bool], ...]:
    return webhook_calls.c.org_id == webhook[0], webhook_calls.c.webhook_id == webhook[1]


def _within(*, test_only: bool) -> list[ColumnElement[bool]]:
    return [webhook_calls.c.test] if test_only else []


def _attempts_of(webhook: WebhookKey) -> tuple[ColumnElement[bool], ...]:
    return webhook_attempts.c.org_id == webhook[0], webhook_attempts.c.webhook_id == webhook[1]


def _unsuccessful(status: str) -> ColumnElement[bool]:
    return and_(_UNSUCCESSFUL, webhook_calls.c.status == status)


def _again(now_ms: int) -> Update:
    """Begins a new round of attempts now. An attempt in flight is recorded and changes nothing else."""
    return update(webhook_calls).values(
        status=PENDING,
        due_at=now_ms,
        attempts=0,
        earlier_attempts=webhook_calls.c.earlier_attempts + webhook_calls.c.attempts,
        lease_owner=None,
        lease_until=None,
        lease_token=webhook_calls.c.lease_token + 1,
        created_at=now_ms,
    )

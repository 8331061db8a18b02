"""Rows of webhooks, calls and attempts to protobuf."""

import json
from typing import cast

from zidimail.v1 import webhook_pb2

from server.events.to_proto import type_of_name
from server.webhooks import store
from server.webhooks.formats.table import DEFAULT, FORMATS
from server.webhooks.history import AttemptRow, CallRow, CallWithBody
from server.wire.timestamps import timestamp

WEBHOOK_STATUSES = {
    store.ENABLED: webhook_pb2.WEBHOOK_STATUS_ENABLED,
    store.DISABLED: webhook_pb2.WEBHOOK_STATUS_DISABLED,
}
_FORMAT = "WEBHOOK_FORMAT_"
WEBHOOK_FORMATS = {
    webhook_pb2.WEBHOOK_FORMAT_UNSPECIFIED: DEFAULT,
    **{webhook_pb2.WebhookFormat.Value(_FORMAT + name.upper()): name for name in FORMATS},
}
"""The formats by their values in the contract."""
_FORMAT_VALUES = {
    name: cast("webhook_pb2.WebhookFormat", value) for value, name in WEBHOOK_FORMATS.items() if value
}
EVENT_STATUSES = {
    store.PENDING: webhook_pb2.WEBHOOK_EVENT_STATUS_PENDING,
    store.ATTEMPTING: webhook_pb2.WEBHOOK_EVENT_STATUS_ATTEMPTING,
    store.SUCCESS: webhook_pb2.WEBHOOK_EVENT_STATUS_SUCCESS,
    store.FAILED: webhook_pb2.WEBHOOK_EVENT_STATUS_FAILED,
}
_REASONS = {
    store.OWNER: webhook_pb2.WEBHOOK_DISABLED_REASON_OWNER,
    store.GONE: webhook_pb2.WEBHOOK_DISABLED_REASON_GONE,
    store.FAILING: webhook_pb2.WEBHOOK_DISABLED_REASON_FAILING,
}


def format_value(name: str) -> webhook_pb2.WebhookFormat:
    """The value of a format in the contract."""
    return _FORMAT_VALUES[name]


def webhook_message(row: store.WebhookRow) -> webhook_pb2.Webhook:
    """A webhook, without its secret."""
    return webhook_pb2.Webhook(
        id=row.id,
        url=row.url,
        events=[type_of_name(event) for event in json.loads(row.events)],
        status=WEBHOOK_STATUSES[row.status],
        created_at=timestamp(row.created_at),
        format=format_value(row.format),
        disabled_reason=_REASONS.get(row.disabled_reason),
        disabled_at=None if row.disabled_at is None else timestamp(row.disabled_at),
    )


def event_message(row: CallRow | CallWithBody) -> webhook_pb2.WebhookEvent:
    """A call; the payload is empty unless the row has the body."""
    return webhook_pb2.WebhookEvent(
        id=row.event_id,
        type=type_of_name(row.type),
        status=EVENT_STATUSES[row.status],
        attempts=row.earlier_attempts + row.attempts,
        next_attempt_at=None if row.due_at is None else timestamp(row.due_at),
        created_at=timestamp(row.happened_at),
        payload=row.body.decode() if isinstance(row, CallWithBody) else "",
    )


def attempt_message(row: AttemptRow) -> webhook_pb2.WebhookAttempt:
    """An attempt, with the answer or the reason why there was none."""
    return webhook_pb2.WebhookAttempt(
        id=row.id,
        number=row.attempt,
        sent_at=timestamp(row.attempted_at),
        http_status_code=row.status_code or 0,
        response=row.detail if row.status_code is None else row.response.decode("utf-8", "replace"),
        duration_ms=row.duration_ms,
        success=row.status_code is not None and 200 <= row.status_code < 300,
    )

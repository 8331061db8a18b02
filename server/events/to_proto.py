"""Rows of the log, replies and event types to protobuf."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast

from zidimail.v1 import event_pb2

from server.events.cursors import Cursors
from server.events.rows import CONTACT, EventRow
from server.wire.timestamps import timestamp

_PREFIX = "EVENT_TYPE_"
_TYPES = cast("dict[str, event_pb2.EventType]", dict(event_pb2.EventType.items()))
_REASONS = cast("dict[str, event_pb2.AccountReason]", dict(event_pb2.AccountReason.items()))


class ReplyRow(Protocol):
    """A row with the columns of an SMTP reply."""

    @property
    def reply_code(self) -> int | None: ...
    @property
    def reply_status(self) -> str | None: ...
    @property
    def reply_text(self) -> str | None: ...
    @property
    def remote_host(self) -> str | None: ...


def event_message(row: EventRow, cursors: Cursors) -> event_pb2.Event:
    """The message of an entry of the log, with its cursor for the organisation."""
    return event_pb2.Event(
        id=row.id,
        type=type_of_name(row.type),
        created_at=timestamp(row.created_at),
        email_id=row.email_id,
        recipient=row.recipient,
        reply=reply_message(row),
        attempt=row.attempt,
        possible_duplicate=row.possible_duplicate,
        test=row.test,
        cursor=cursors.cursor(row.org_id, row.place),
        **_details(row),
    )


def contact_change(details: Mapping[str, Any]) -> event_pb2.ContactChange:
    """The message of a contact, from the details of its event."""
    return event_pb2.ContactChange(**{**details, "created_at": timestamp(details["created_at"])})


def account_change(details: Mapping[str, Any]) -> event_pb2.AccountChange:
    """The message of a change of an account's state, from the details of its event."""
    return event_pb2.AccountChange(
        reasons=[account_reason(reason) for reason in details["reasons"]],
        note=details["note"],
        by_operator=details["by_operator"],
        rates=rates_message(details["rates"]),
    )


def account_reason(name: str) -> event_pb2.AccountReason:
    """The enum value of a stored reason: ACCOUNT_REASON_POLICY for `policy`."""
    return _REASONS[f"ACCOUNT_REASON_{name.upper()}"]


def rates_message(rates: Mapping[str, Any]) -> event_pb2.AccountRates:
    """The message of counts and rates."""
    return event_pb2.AccountRates(**rates)


def reply_message(row: ReplyRow) -> event_pb2.SmtpReply | None:
    """The message of an SMTP reply, or of the reason why there was none; None if nothing was attempted."""
    if row.reply_code is None and row.reply_status is None:
        return None
    return event_pb2.SmtpReply(
        code=row.reply_code or 0,
        enhanced_status=row.reply_status or "",
        diagnostic=row.reply_text or "",
        remote_host=row.remote_host or "",
    )


def _details(row: EventRow) -> dict[str, Any]:
    """The field of an event with its details, by its type; none for an event of an email."""
    if row.details is None:
        return {}
    details = json.loads(row.details)
    if row.type.startswith(CONTACT):
        return {"contact": contact_change(details)}
    return {"account": account_change(details)}


def type_of_name(name: str) -> event_pb2.EventType:
    """The enum value of a stored name: EVENT_TYPE_EMAIL_SENT for `email.sent`."""
    return _TYPES[_PREFIX + name.replace(".", "_", 1).upper()]


def name_of_type(value: int) -> str:
    """The stored name of an enum value. Raises ValueError for one that this server does not know."""
    name = event_pb2.EventType.Name(cast("event_pb2.EventType", value))
    if value == event_pb2.EVENT_TYPE_UNSPECIFIED:
        raise ValueError("the type is not named")
    return name.removeprefix(_PREFIX).lower().replace("_", ".", 1)

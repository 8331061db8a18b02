"""Reads PayPal's JSON into plain values."""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from server.billing.rules import STATUSES, Reading

Json: TypeAlias = Mapping[str, Any]
_DAYS = {"DAY": 1, "WEEK": 7}
_MONTHS = {"MONTH": 1, "YEAR": 12}
# PayPal's ids have fewer; longer ones would not fit into the store.
MAX_ID = 50


def reading_of(answer: Json) -> Reading:
    """A subscription. Raises ValueError if the answer is none."""
    status = next((name for name in STATUSES if name == answer.get("status")), None)
    if status is None:
        raise ValueError("the subscription has an unknown status")
    times = (answer.get(name) for name in ("update_time", "status_update_time", "create_time"))
    updated = [_time(text) for text in times if text is not None]
    if not updated:
        raise ValueError("the subscription has no time")
    return Reading(
        id=_id(answer, "id"),
        paypal_plan_id=_id(answer, "plan_id"),
        status=status,
        updated_at=_ms(max(updated)),
        paid_until=_paid_until(answer),
        custom_id=str(answer.get("custom_id", "")),
        approval_url=approval_url(answer),
    )


def approval_url(answer: Json) -> str | None:
    """The page at which the owner approves what was asked for; None if nothing waits for that."""
    for link in _list(answer, "links"):
        href = link.get("href")
        if link.get("rel") == "approve" and isinstance(href, str):
            return href
    return None


def subscription_of_event(event: Json) -> str | None:
    """The id of the subscription that an event is about; None for events about other things.

    Events of subscriptions hold the subscription; those of payments name it as their agreement.
    """
    resource = _dict(event, "resource")
    kind = str(event.get("event_type", ""))
    if kind.startswith("BILLING.SUBSCRIPTION."):
        id = resource.get("id")
    else:
        id = resource.get("billing_agreement_id") if kind.startswith("PAYMENT.") else None
    return id if isinstance(id, str) and 0 < len(id) <= MAX_ID else None


def _paid_until(answer: Json) -> int | None:
    """The time of the next payment if all are paid; else the end of the period of the last payment."""
    info = _dict(answer, "billing_info")
    next_payment = info.get("next_billing_time")
    if answer.get("status") == "ACTIVE" and not info.get("failed_payments_count") and next_payment:
        return _ms(_time(next_payment))
    last_payment = _dict(info, "last_payment").get("time")
    return None if last_payment is None else _ms(_period_after(_time(last_payment), answer))


def _period_after(start: datetime, answer: Json) -> datetime:
    """A period of the regular cycle later; a month if the answer does not describe it."""
    cycles = _list(_dict(answer, "plan"), "billing_cycles")
    regular = [cycle for cycle in cycles if cycle.get("tenure_type") == "REGULAR"]
    frequency = _dict(regular[0], "frequency") if regular else {}
    unit, count = frequency.get("interval_unit", "MONTH"), frequency.get("interval_count", 1)
    if not isinstance(count, int) or not 0 < count <= 365:
        raise ValueError("the plan has no valid period")
    if unit in _DAYS:
        return start + timedelta(days=_DAYS[unit] * count)
    if unit not in _MONTHS:
        raise ValueError("the plan has no valid period")
    months = start.year * 12 + start.month - 1 + _MONTHS[unit] * count
    year, month = divmod(months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last_day))


def _id(answer: Json, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID or not value.isascii():
        raise ValueError(f"the subscription has no valid {name}")
    return value


def _time(text: object) -> datetime:
    """A time with its zone (RFC 3339)."""
    if not isinstance(text, str):
        raise ValueError("a time is no text")
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time has no zone")
    return time.astimezone(UTC)


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _dict(values: Json, name: str) -> Json:
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _list(values: Json, name: str) -> list[Json]:
    value = values.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

"""Subscriptions as pure functions: what they give, and which of two readings is newer."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Status = Literal["APPROVAL_PENDING", "APPROVED", "ACTIVE", "SUSPENDED", "CANCELLED", "EXPIRED"]
STATUSES: tuple[Status, ...] = get_args(Status)
# A subscription never leaves these states.
ENDED = frozenset[Status]({"CANCELLED", "EXPIRED"})
# The owner has approved it, so that PayPal may take payments for it.
_APPROVED = frozenset[Status]({"APPROVED", "ACTIVE", "SUSPENDED"})

# The time after which one that was never approved, and was given up, is not read any more.
LEFT_MS = 7 * 24 * 3_600_000
REREAD_MS = 24 * 3_600_000
# The time after which a reading that failed is tried again.
RETRY_MS = 15 * 60_000


class Subscription(NamedTuple):
    """A subscription of an organisation; times are milliseconds since 1970 UTC.

    `id` and `paypal_plan_id` are PayPal's own, `plan` is ours. `live`: it is the one that the organisation
    has. `gives` is the plan that the organisation has because of it, `next_plan` the one that it changes to
    once that is approved. `updated_at` is by PayPal's clock.
    """

    org_id: str
    id: str
    plan: str
    paypal_plan_id: str
    status: Status
    live: bool
    gives: str | None
    next_plan: str | None
    paid_until: int | None
    created_at: int
    updated_at: int
    due_at: int | None

    @property
    def has_ended(self) -> bool:
        """True if PayPal takes no more payments for it, ever."""
        return self.status in ENDED

    @property
    def is_approved(self) -> bool:
        """True if its owner has approved it and it has not ended."""
        return self.status in _APPROVED

    @property
    def awaits_approval(self) -> bool:
        """True if its owner may be about to come back from PayPal."""
        return self.status in ("APPROVAL_PENDING", "APPROVED") or self.next_plan is not None

    def gives_at(self, now_ms: int) -> str | None:
        """The plan that it is good for at a time; None for none."""
        if self.status == "ACTIVE":
            return self.plan
        is_paid = self.status == "CANCELLED" and self.paid_until is not None and now_ms < self.paid_until
        return self.plan if is_paid else None


@dataclass(frozen=True, slots=True)
class Reading:
    """A subscription as PayPal shows it; times are milliseconds since 1970 UTC.

    `paid_until` is None if nothing was paid. `approval_url` is where its owner approves it or a change of it,
    None if nothing waits for that.
    """

    id: str
    paypal_plan_id: str
    status: Status
    updated_at: int
    paid_until: int | None
    custom_id: str
    approval_url: str | None


def is_newer(reading: Reading, known: Subscription) -> bool:
    """True unless the reading is older than what is known: readings may come in any order.

    PayPal's times are whole seconds. Of two states of one second, the one that is never left is the later.
    """
    if reading.updated_at == known.updated_at:
        return reading.status in ENDED or not known.has_ended
    return reading.updated_at > known.updated_at


def after_reading(known: Subscription, reading: Reading, plan: str, now_ms: int) -> Subscription:
    """The subscription after a reading; `plan` is ours for PayPal's plan in it.

    What was paid stays paid, also where PayPal shows the end of that time no more.
    """
    paid_until = reading.paid_until
    if paid_until is None or reading.status != "ACTIVE":
        times = (paid_until, known.paid_until)
        paid_until = max((time for time in times if time is not None), default=None)
    is_pending = known.next_plan is not None and known.next_plan != plan and reading.status not in ENDED
    changed = known._replace(
        plan=plan,
        paypal_plan_id=reading.paypal_plan_id,
        status=reading.status,
        live=known.live and reading.status not in ENDED,
        next_plan=known.next_plan if is_pending else None,
        paid_until=paid_until,
        updated_at=reading.updated_at,
    )
    return changed._replace(due_at=due_after(changed, now_ms))


def due_after(subscription: Subscription, now_ms: int) -> int | None:
    """The time at which it is to be looked at again: in a day, or when what was paid for ends."""
    if not subscription.has_ended:
        is_left = not subscription.live and now_ms - subscription.created_at > LEFT_MS
        return None if is_left and not subscription.is_approved else now_ms + REREAD_MS
    return subscription.paid_until if subscription.gives_at(now_ms) is not None else None


def giver(subscriptions: Sequence[Subscription], now_ms: int) -> Subscription | None:
    """The one of an organisation's subscriptions that gives it its plan: an active one, or else the one that
    is paid for the longest."""
    giving = [one for one in subscriptions if one.gives_at(now_ms) is not None]
    return max(giving, key=lambda one: (one.status == "ACTIVE", one.paid_until or 0, one.id), default=None)


def request_id(*parts: str) -> str:
    """The id by which PayPal knows a repeated call: equal parts, equal ids."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16]))

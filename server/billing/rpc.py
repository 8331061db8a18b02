"""BillingService: plans, the subscription, and the events of PayPal (contract rows Z-47, C-79)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zidimail.v1 import billing_pb2, billing_service_pb2_grpc
from zidimail.v1 import billing_service_pb2 as pb

from server.billing import store
from server.billing.events import Events
from server.billing.faults import BillingNotConfigured, ProviderRefused, ProviderUnavailable
from server.billing.rules import Status, Subscription
from server.billing.signature import Transmission
from server.billing.store import OfferRow
from server.billing.subscriptions import Subscriptions
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.quotas.rules import AccountLimits, Periods, Used, overage
from server.quotas.store import account_limits
from server.quotas.to_proto import quota_message
from server.wire.caller import session_caller
from server.wire.interceptors import Context
from server.wire.timestamps import timestamp

_STATUSES: dict[Status, billing_pb2.SubscriptionStatus] = {
    "APPROVAL_PENDING": billing_pb2.SUBSCRIPTION_STATUS_APPROVAL_PENDING,
    "APPROVED": billing_pb2.SUBSCRIPTION_STATUS_APPROVED,
    "ACTIVE": billing_pb2.SUBSCRIPTION_STATUS_ACTIVE,
    "SUSPENDED": billing_pb2.SUBSCRIPTION_STATUS_SUSPENDED,
    "CANCELLED": billing_pb2.SUBSCRIPTION_STATUS_CANCELLED,
    "EXPIRED": billing_pb2.SUBSCRIPTION_STATUS_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Billing:
    """The parts of an installation that has settings for PayPal."""

    subscriptions: Subscriptions
    events: Events


class _Standing(NamedTuple):
    account: AccountLimits
    used: Used
    subscription: Subscription | None
    offers: list[OfferRow]


class BillingServicer(billing_service_pb2_grpc.BillingServiceServicer):
    """Billing; `missing` are the settings without which there is none."""

    def __init__(
        self, database: Database, clock: Clock, billing: Billing | None, missing: Sequence[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._billing = billing
        self._missing = missing

    async def GetBilling(self, request: pb.GetBillingRequest, context: Context) -> pb.GetBillingResponse:
        """The plan, the usage, the subscription and the offers of the caller's organisation."""
        subscriptions, org_id = self._configured().subscriptions, session_caller().org_id
        periods = Periods.of(self._clock.now_ms())
        standing = await self._database.read(_standing, org_id, periods, self._clock.now_ms())
        known = standing.subscription
        if known is not None and known.live and known.awaits_approval:
            try:
                await subscriptions.refresh(known)
            except (ProviderUnavailable, ProviderRefused):
                pass  # shown as it was known last; the log has the reason
            else:
                standing = await self._database.read(_standing, org_id, periods, self._clock.now_ms())
        limits, used, known = standing.account.limits, standing.used, standing.subscription
        return pb.GetBillingResponse(
            plan=limits.plan,
            monthly=quota_message(used.month, limits.monthly, periods.month_ends_ms),
            overage=overage(used, limits),
            subscription=None if known is None else _subscription(known),
            plans=map(_offer, standing.offers),
        )

    async def Subscribe(self, request: pb.SubscribeRequest, context: Context) -> pb.SubscribeResponse:
        """Makes a subscription."""
        subscriptions = self._configured().subscriptions
        approval = await subscriptions.subscribe(session_caller().org_id, request.plan)
        return pb.SubscribeResponse(subscription_id=approval.id, approval_url=approval.url)

    async def ChangeSubscription(
        self, request: pb.ChangeSubscriptionRequest, context: Context
    ) -> pb.ChangeSubscriptionResponse:
        """Changes the plan of the subscription."""
        subscriptions = self._configured().subscriptions
        approval = await subscriptions.change(session_caller().org_id, request.plan)
        return pb.ChangeSubscriptionResponse(subscription_id=approval.id, approval_url=approval.url)

    async def CancelSubscription(
        self, request: pb.CancelSubscriptionRequest, context: Context
    ) -> pb.CancelSubscriptionResponse:
        """Cancels the subscription."""
        cancelled = await self._configured().subscriptions.cancel(session_caller().org_id)
        return pb.CancelSubscriptionResponse(subscription=_subscription(cancelled))

    async def RecordPayPalEvent(
        self, request: pb.RecordPayPalEventRequest, context: Context
    ) -> pb.RecordPayPalEventResponse:
        """Takes an event of PayPal."""
        sent = Transmission(
            request.body,
            request.transmission_id,
            request.transmission_time,
            request.transmission_sig,
            request.cert_url,
            request.auth_algo,
        )
        return pb.RecordPayPalEventResponse(event_id=await self._configured().events.take(sent))

    def _configured(self) -> Billing:
        if self._billing is None:
            raise BillingNotConfigured(self._missing)
        return self._billing


def _standing(tx: Tx, org_id: str, periods: Periods, now_ms: int) -> _Standing:
    account, used = account_limits(tx, [org_id], periods, now_ms)[org_id]
    known = store.of_organisation(tx, org_id)
    shown = [one for one in known if one.live] or [one for one in known if one.gives is not None]
    return _Standing(account, used, shown[0] if shown else None, store.offers(tx))


def _subscription(row: Subscription) -> billing_pb2.Subscription:
    return billing_pb2.Subscription(
        id=row.id,
        plan=row.plan,
        status=_STATUSES[row.status],
        next_plan=row.next_plan,
        paid_until=None if row.paid_until is None else timestamp(row.paid_until),
        created_at=timestamp(row.created_at),
    )


def _offer(row: OfferRow) -> billing_pb2.PlanOffer:
    return billing_pb2.PlanOffer(
        plan=row.plan,
        monthly_limit=row.monthly_limit,
        daily_limit=row.daily_limit,
        burst_per_second=row.burst_limit,
        overage=row.overage,
    )

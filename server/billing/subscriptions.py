"""The acts of an owner on the subscription of an organisation, and reading it again from PayPal."""

from http import HTTPStatus
from typing import NamedTuple

import structlog

from server.billing import applying, store
from server.billing.applying import Applied
from server.billing.faults import (
    ProviderRefused,
    ProviderUnavailable,
    SubscriptionExists,
    SubscriptionNotActive,
    SubscriptionNotFound,
)
from server.billing.paypal import PayPal
from server.billing.rules import Reading, Subscription, request_id
from server.billing.store import OfferRow
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation

_CANCELLED_BY_OWNER = "Cancelled by an owner of the organisation"
_CANCELLED_AS_SURPLUS = "The organisation has another subscription, or was closed"
_log = structlog.get_logger()


class Approval(NamedTuple):
    """A subscription, and the page at which its owner approves what was asked for; None if that is done."""

    id: str
    url: str | None


class Subscriptions:
    """Subscriptions at PayPal. No transaction is open during a call of PayPal.

    All acts raise `ProviderUnavailable` and `ProviderRefused`, and then nothing was stored.
    """

    def __init__(
        self, database: Database, writer: Writer, clock: Clock, paypal: PayPal, default_plan: str
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._paypal = paypal
        self._default_plan = default_plan

    async def subscribe(self, org_id: str, plan: str) -> Approval:
        """Makes a subscription that waits for approval; that of the same plan is made once.

        Raises `ValidationFailed`, `SubscriptionExists`.
        """
        offer, known = await self._database.read(_offer_and_subscriptions, org_id, plan)
        live = next((one for one in known if one.live), None)
        if live is not None and live.awaits_approval:
            live = await self.refresh(live)
        if live is not None and live.is_approved:
            raise SubscriptionExists(live.id, live.status)
        waiting = [
            one
            for one in known
            if one.status == "APPROVAL_PENDING" and one.paypal_plan_id == offer.paypal_plan_id
        ]
        if waiting and (approval := await self._again(waiting[-1], offer)) is not None:
            return approval
        reading = await self._create(org_id, offer, known[-1].id if known else "")
        if reading.approval_url is None:
            # A call that was cut off made it long ago, and nobody can approve it any more.
            reading = await self._create(org_id, offer, reading.id)
        if reading.approval_url is None:
            raise ProviderUnavailable("it gives no page to approve the subscription")
        await self._writer.run(
            applying.adopt, org_id, plan, reading, self._default_plan, self._clock.now_ms()
        )
        return Approval(reading.id, reading.approval_url)

    async def change(self, org_id: str, plan: str) -> Approval:
        """Changes the plan of the live subscription.

        Raises `ValidationFailed`, `SubscriptionNotFound`, `SubscriptionNotActive`.
        """
        offer, known = await self._database.read(_offer_and_subscriptions, org_id, plan)
        live = next((one for one in known if one.live), None)
        if live is None:
            raise SubscriptionNotFound
        if live.awaits_approval:
            live = await self.refresh(live)
        if live.status != "ACTIVE":
            raise SubscriptionNotActive(live.id, live.status)
        if live.plan == plan:
            raise ValidationFailed([Violation("plan", "is the plan of the subscription already")])
        url = await self._paypal.revise(live.id, offer.paypal_plan_id)
        if url is None:
            await self.refresh(live)
        else:
            await self._writer.run(applying.mark_change, live, plan)
        return Approval(live.id, url)

    async def cancel(self, org_id: str) -> Subscription:
        """Cancels the live subscription; one that was cancelled and still gives its plan is left as it is.

        Raises `SubscriptionNotFound`.
        """
        known = await self._database.read(store.of_organisation, org_id)
        live = next((one for one in known if one.live), None)
        if live is None:
            giving = next((one for one in known if one.gives is not None), None)
            if giving is None:
                raise SubscriptionNotFound
            return giving
        if not live.is_approved:
            live = await self.refresh(live)
            if not live.is_approved:
                now = self._clock.now_ms()
                live = await self._writer.run(applying.give_up, live, self._default_plan, now)
            if not live.is_approved:
                return live
        return await self._end(live, _CANCELLED_BY_OWNER)

    async def refresh(self, known: Subscription) -> Subscription:
        """Stores the subscription as PayPal shows it now; one that must not be paid for is ended."""
        applied = await self._read(known)
        if not applied.is_surplus:
            return applied.subscription
        _log.warning("a subscription is cancelled as surplus", org_id=known.org_id, id=known.id)
        return await self._end(applied.subscription, _CANCELLED_AS_SURPLUS)

    async def look(self, known: Subscription) -> None:
        """Looks at a subscription whose time has come: an ended one is not asked for at PayPal any more."""
        if known.has_ended:
            now = self._clock.now_ms()
            await self._writer.run(applying.settle, known.org_id, self._default_plan, now)
        else:
            await self.refresh(known)

    async def _create(self, org_id: str, offer: OfferRow, last_id: str) -> Reading:
        """A new subscription, `last_id` being the one before it.

        Two calls at once make one subscription, and so does one that is repeated after it was cut off.
        """
        call = request_id(org_id, offer.paypal_plan_id, last_id)
        return await self._paypal.create(offer.paypal_plan_id, org_id, call)

    async def _again(self, waiting: Subscription, offer: OfferRow) -> Approval | None:
        """The approval of a subscription that was made before; None if it cannot be approved any more."""
        try:
            reading = await self._paypal.subscription(waiting.id)
        except ProviderRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            reading = None
        now = self._clock.now_ms()
        if reading is None:
            await self._writer.run(applying.vanish, waiting, self._default_plan, now)
            return None
        if reading.status == "APPROVAL_PENDING" and reading.approval_url is not None:
            args = (waiting.org_id, offer.plan, reading, self._default_plan, now)
            await self._writer.run(applying.adopt, *args)
            return Approval(reading.id, reading.approval_url)
        after = await self.refresh(waiting)
        if after.is_approved:
            raise SubscriptionExists(after.id, after.status)
        return None

    async def _end(self, known: Subscription, reason: str) -> Subscription:
        refused: ProviderRefused | None = None
        try:
            await self._paypal.cancel(known.id, reason)
        except ProviderRefused as error:
            # One that has ended cannot be cancelled: what counts is the state after that.
            refused = error
        after = (await self._read(known)).subscription
        if not after.has_ended:
            raise refused or ProviderUnavailable("it has not ended the subscription yet")
        return after

    async def _read(self, known: Subscription) -> Applied:
        now = self._clock.now_ms()
        try:
            reading = await self._paypal.subscription(known.id)
        except ProviderRefused as refused:
            # Of one that was approved this would be the wrong account or the wrong URL: nobody loses a plan.
            if refused.status != HTTPStatus.NOT_FOUND or known.is_approved:
                raise
            vanished = await self._writer.run(applying.vanish, known, self._default_plan, now)
            return Applied(vanished, is_surplus=False)
        applied = await self._writer.run(applying.apply, reading, self._default_plan, now)
        assert applied is not None, "known subscriptions are never deleted"
        return applied


def _offer_and_subscriptions(tx: Tx, org_id: str, plan: str) -> tuple[OfferRow, list[Subscription]]:
    """Raises `ValidationFailed` for a plan that cannot be subscribed to."""
    offers = {offer.plan: offer for offer in store.offers(tx)}
    if plan not in offers:
        names = ", ".join(offers)
        description = (
            f"must be one of {names}" if names else "cannot be chosen: the operator offers no plan yet"
        )
        raise ValidationFailed([Violation("plan", description)])
    return offers[plan], store.of_organisation(tx, org_id)

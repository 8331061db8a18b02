"""Plans that are paid for, as time goes by, on both engines (contract rows Z-47, C-79)."""

import pytest

from server.accounts import store as accounts
from server.billing import store
from server.billing.faults import (
    SubscriptionNotFound,
)
from server.quotas.plans import change_plan
from tests.harness.paypal_server import PRO, SCALE, YEARLY
from tests.harness.sqlite_plans import plans_of, scans
from tests.store.payer import DAY_S, Payer


async def test_cancelled_plan_stays_until_the_end_of_the_paid_time(payer: Payer) -> None:
    id = await payer.paid()
    cancelled = await payer.subscriptions.cancel(payer.org_id)
    assert (cancelled.status, payer.paypal.shown(id)["status"]) == ("CANCELLED", "CANCELLED")
    assert (await payer.plan(), await payer.live()) == ("pro", [])
    assert (await payer.subscriptions.cancel(payer.org_id)).id == id
    payer.clock.advance(30 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == "pro"
    payer.clock.advance(1 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == "free"
    assert await payer.audited() == [
        ("PayPal/ACTIVE", id),
        ("PayPal/CANCELLED", id),
        ("PayPal/PERIOD_ENDED", id),
    ]
    with pytest.raises(SubscriptionNotFound):
        await payer.subscriptions.cancel(payer.org_id)


async def test_new_subscription_takes_over_from_a_cancelled_one(payer: Payer) -> None:
    await payer.paid()
    await payer.subscriptions.cancel(payer.org_id)
    payer.clock.advance(10 * DAY_S)
    second = await payer.paid("scale")
    assert await payer.plan() == "scale"
    payer.clock.advance(25 * DAY_S)
    payer.paypal.pay(second)
    await payer.rereading.step()
    assert (await payer.plan(), await payer.live()) == ("scale", [(second, "ACTIVE")])


async def test_unpaid_subscription_gives_nothing_after_its_end(payer: Payer) -> None:
    """A suspended one is not paid for, whatever its next payment would have been."""
    id = await payer.paid()
    payer.clock.advance(31 * DAY_S)
    payer.paypal.fail_payment(id)
    await payer.report("PAYMENT.FAILED", id)
    assert await payer.plan() == "pro"
    payer.paypal.become(id, "SUSPENDED")
    await payer.report("SUSPENDED", id)
    assert await payer.plan() == "free"
    await payer.subscriptions.cancel(payer.org_id)
    assert await payer.plan() == "free"


async def test_plan_of_the_operator_is_not_taken_back(payer: Payer) -> None:
    id = await payer.paid()
    await payer.writer.run(accounts.change_organisation, payer.org_id, {"plan": "enterprise"})
    payer.paypal.pay(id)
    await payer.report("SALE.COMPLETED", id)
    assert await payer.plan() == "enterprise"
    payer.paypal.become(id, "EXPIRED")
    await payer.report("EXPIRED", id)
    assert await payer.plan() == "enterprise"


async def test_subscription_of_a_closed_organisation_ends(payer: Payer) -> None:
    id = await payer.paid()
    closed = {"closed_at": payer.clock.now_ms()}
    await payer.writer.run(accounts.change_organisation, payer.org_id, closed)
    payer.clock.advance(DAY_S + 1)
    await payer.rereading.step()
    assert payer.paypal.shown(id)["status"] == "CANCELLED"


async def test_live_subscriptions_are_read_again_each_day(payer: Payer) -> None:
    """Of this change no event came."""
    id = await payer.paid()
    payer.paypal.become(id, "EXPIRED")
    payer.clock.advance(DAY_S - 60)
    assert not await payer.rereading.step()
    assert await payer.plan() == "pro"
    payer.clock.advance(61)
    await payer.rereading.step()
    assert (await payer.plan(), await payer.live()) == ("free", [])
    calls = payer.paypal.calls.total()
    payer.clock.advance(40 * DAY_S)
    await payer.rereading.step()
    assert payer.paypal.calls.total() == calls


async def test_period_of_a_cancelled_plan_is_that_of_paypals_plan(payer: Payer) -> None:
    """It was cancelled before it was ever read as active: PayPal shows its last payment alone."""
    await payer.writer.run(change_plan, "enterprise", {"paypal_plan_id": YEARLY})
    id = (await payer.subscriptions.subscribe(payer.org_id, "enterprise")).id
    payer.paypal.pay(id)
    payer.paypal.become(id, "CANCELLED")
    await payer.report("CANCELLED", id)
    assert await payer.plan() == "enterprise"
    payer.clock.advance(364 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == "enterprise"
    payer.clock.advance(2 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == "free"


async def test_owner_subscribes_again_to_a_plan_that_was_changed(payer: Payer) -> None:
    first = await payer.paid("pro")
    payer.paypal.asks_for_changes = False
    payer.clock.advance(1)
    await payer.subscriptions.change(payer.org_id, "scale")
    await payer.subscriptions.cancel(payer.org_id)
    second = await payer.paid("pro")
    assert second != first
    assert (await payer.plan(), await payer.live()) == ("pro", [(second, "ACTIVE")])


def test_subscriptions_are_found_by_an_index(sqlite_url: str) -> None:
    for plans in (
        plans_of(sqlite_url, store.claim, 0, 0, 20),
        plans_of(sqlite_url, store.by_id, "I-1"),
        plans_of(sqlite_url, store.of_organisation, "org"),
        plans_of(sqlite_url, store.sweep_events, 0, 20),
    ):
        assert not scans(plans)


async def test_plan_follows_the_id_that_paypal_shows(payer: Payer) -> None:
    """The plan was changed at PayPal's website."""
    id = await payer.paid()
    payer.paypal.subscriptions[id]["plan_id"] = SCALE
    payer.paypal.become(id, "ACTIVE")
    await payer.report("UPDATED", id)
    assert await payer.plan() == "scale"
    payer.paypal.subscriptions[id]["plan_id"] = PRO
    payer.paypal.become(id, "ACTIVE")
    await payer.report("UPDATED", id)
    assert await payer.plan() == "pro"

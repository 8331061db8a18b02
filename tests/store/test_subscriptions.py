"""Owners subscribe, change and cancel, on both engines (contract rows Z-47, C-79)."""

import asyncio

import pytest

from server.billing.faults import (
    SubscriptionExists,
    SubscriptionNotActive,
    SubscriptionNotFound,
)
from server.db.database import Database
from server.db.writer import Writer
from server.faults import ValidationFailed
from tests.harness.paypal_server import PayPalServer
from tests.store.payer import Payer


async def test_plan_is_given_when_the_subscription_is_paid(payer: Payer) -> None:
    approval = await payer.subscriptions.subscribe(payer.org_id, "pro")
    assert approval.url is not None
    assert approval.url.endswith(approval.id)
    assert (await payer.plan(), await payer.live()) == ("free", [(approval.id, "APPROVAL_PENDING")])
    payer.paypal.pay(approval.id)
    [known] = await payer.known()
    await payer.subscriptions.refresh(known)
    assert (await payer.plan(), await payer.live()) == ("pro", [(approval.id, "ACTIVE")])
    assert await payer.audited() == [("PayPal/ACTIVE", approval.id)]


async def test_subscription_that_waits_is_made_once(payer: Payer) -> None:
    first = await payer.subscriptions.subscribe(payer.org_id, "pro")
    assert await payer.subscriptions.subscribe(payer.org_id, "pro") == first
    other = await payer.subscriptions.subscribe(payer.org_id, "scale")
    assert other.id != first.id
    assert await payer.live() == [(other.id, "APPROVAL_PENDING")]
    assert await payer.subscriptions.subscribe(payer.org_id, "pro") == first
    assert len(await payer.known()) == 2


async def test_two_calls_at_once_make_one_subscription(payer: Payer) -> None:
    made = await asyncio.gather(*(payer.subscriptions.subscribe(payer.org_id, "pro") for _ in range(8)))
    assert len(set(made)) == 1
    assert await payer.live() == [(made[0].id, "APPROVAL_PENDING")]


async def test_calls_for_two_plans_at_once_leave_one_live_subscription(payer: Payer) -> None:
    plans = ["pro", "scale"] * 4
    made = await asyncio.gather(*(payer.subscriptions.subscribe(payer.org_id, plan) for plan in plans))
    [(live, _)] = await payer.live()
    assert live in {one.id for one in made}
    # Both pages are approved all the same: the second one is not paid for.
    ids = {one.id for one in made}
    for id in sorted(ids):
        payer.paypal.pay(id)
        await payer.report("ACTIVATED", id)
    states = sorted(payer.paypal.shown(id)["status"] for id in ids)
    assert states == ["ACTIVE", "CANCELLED"]
    [(live, status)] = await payer.live()
    assert (status, payer.paypal.shown(live)["status"]) == ("ACTIVE", "ACTIVE")


async def test_two_replicas_make_one_subscription(
    payer: Payer, database: Database, paypal: PayPalServer
) -> None:
    writer = Writer(database)
    writer.start()
    replica = Payer(database, writer, paypal, org_id=payer.org_id)
    replicas = [payer, replica] * 3
    made = await asyncio.gather(*(one.subscriptions.subscribe(payer.org_id, "pro") for one in replicas))
    await replica.stop()
    await writer.close()
    assert len(set(made)) == 1
    assert len(await payer.live()) == 1


async def test_subscriber_does_not_subscribe_again(payer: Payer) -> None:
    id = await payer.paid()
    for plan in ("pro", "scale"):
        with pytest.raises(SubscriptionExists) as raised:
            await payer.subscriptions.subscribe(payer.org_id, plan)
        assert raised.value.metadata == {"id": id, "status": "active"}
    payer.paypal.become(id, "SUSPENDED")
    await payer.report("SUSPENDED", id)
    with pytest.raises(SubscriptionExists):
        await payer.subscriptions.subscribe(payer.org_id, "pro")


async def test_subscription_that_was_just_approved_is_noticed(payer: Payer) -> None:
    approval = await payer.subscriptions.subscribe(payer.org_id, "pro")
    payer.paypal.pay(approval.id)
    with pytest.raises(SubscriptionExists):
        await payer.subscriptions.subscribe(payer.org_id, "scale")
    assert await payer.plan() == "pro"


@pytest.mark.parametrize("plan", ["free", "enterprise", "", "PRO", "pro\x00"])
async def test_plan_that_is_not_for_sale_is_refused(payer: Payer, plan: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        await payer.subscriptions.subscribe(payer.org_id, plan)
    assert [(one.field, one.description) for one in raised.value.violations] == [
        ("plan", "must be one of pro, scale")
    ]
    assert await payer.known() == []


async def test_change_counts_once_it_is_approved(payer: Payer) -> None:
    id = await payer.paid()
    approval = await payer.subscriptions.change(payer.org_id, "scale")
    assert (approval.id, approval.url is not None) == (id, True)
    [known] = await payer.known()
    assert (known.plan, known.next_plan, await payer.plan()) == ("pro", "scale", "pro")
    payer.clock.advance(1)
    payer.paypal.pay(id)
    await payer.report("UPDATED", id)
    [known] = await payer.known()
    assert (known.plan, known.next_plan, await payer.plan()) == ("scale", None, "scale")


async def test_change_that_needs_no_approval_counts_at_once(payer: Payer) -> None:
    id = await payer.paid()
    payer.paypal.asks_for_changes = False
    payer.clock.advance(1)
    approval = await payer.subscriptions.change(payer.org_id, "scale")
    assert (approval, await payer.plan()) == ((id, None), "scale")
    with pytest.raises(ValidationFailed):
        await payer.subscriptions.change(payer.org_id, "scale")


async def test_only_active_subscription_changes(payer: Payer) -> None:
    with pytest.raises(SubscriptionNotFound):
        await payer.subscriptions.change(payer.org_id, "pro")
    id = (await payer.subscriptions.subscribe(payer.org_id, "pro")).id
    with pytest.raises(SubscriptionNotActive):
        await payer.subscriptions.change(payer.org_id, "scale")
    payer.paypal.pay(id)
    # Read again, as it waited for approval.
    assert (await payer.subscriptions.change(payer.org_id, "scale")).id == id


async def test_subscription_that_waits_is_given_up(payer: Payer) -> None:
    id = (await payer.subscriptions.subscribe(payer.org_id, "pro")).id
    await payer.subscriptions.cancel(payer.org_id)
    assert await payer.live() == []
    with pytest.raises(SubscriptionNotFound):
        await payer.subscriptions.cancel(payer.org_id)
    # Its page is approved later all the same: what is paid for counts.
    payer.paypal.pay(id)
    await payer.report("ACTIVATED", id)
    assert (await payer.plan(), await payer.live()) == ("pro", [(id, "ACTIVE")])

"""PayPal fails, refuses or forgets, on both engines: nothing is stored by halves (contract row C-79)."""

import pytest
from sqlalchemy import delete, select

from server.billing import store
from server.billing.faults import (
    ProviderRefused,
    ProviderUnavailable,
)
from server.billing.rules import request_id
from server.db.database import Database
from server.db.tables.billing import payment_events, subscriptions
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from server.quotas.plans import change_plan
from tests.harness.paypal_server import PRO, PayPalServer
from tests.harness.rows import row_count, stored
from tests.store.payer import DAY_S, Payer


async def test_end_of_a_paid_time_needs_no_paypal(payer: Payer) -> None:
    await payer.paid()
    await payer.subscriptions.cancel(payer.org_id)
    payer.paypal.failure = "drop"
    payer.clock.advance(31 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == "free"


async def test_rereading_goes_on_after_an_outage(payer: Payer) -> None:
    id = await payer.paid()
    payer.paypal.become(id, "EXPIRED")
    payer.paypal.failure = 503
    payer.clock.advance(DAY_S + 1)
    await payer.rereading.step()
    assert await payer.plan() == "pro"
    payer.paypal.failure = None
    await payer.rereading.step()
    assert await payer.plan() == "pro"
    payer.clock.advance(16 * 60)
    await payer.rereading.step()
    assert await payer.plan() == "free"


async def test_approved_subscription_that_paypal_does_not_know_keeps_its_plan(payer: Payer) -> None:
    """All of them would look like that after a wrong ZIDIMAIL_PAYPAL_URL."""
    id = await payer.paid()
    kept = payer.paypal.subscriptions.pop(id)
    payer.clock.advance(DAY_S + 1)
    await payer.rereading.step()
    assert (await payer.plan(), await payer.live()) == ("pro", [(id, "ACTIVE")])
    payer.paypal.subscriptions[id] = kept


@pytest.mark.parametrize("is_known", [True, False], ids=["of-another", "of-nobody"])
async def test_answer_about_another_subscription_is_not_believed(payer: Payer, *, is_known: bool) -> None:
    """It changes neither that one nor the one that was asked for, and the others are read."""
    id = await payer.paid()
    await payer.add(other := new_id())
    wrong = (await payer.subscriptions.subscribe(other, "scale")).id if is_known else "I-OTHER00000"
    payer.paypal.become(id, "CANCELLED")
    payer.paypal.subscriptions[id] |= {"id": wrong, "update_time": payer.paypal.time(days=1)}
    payer.clock.advance(DAY_S + 1)
    await payer.rereading.step()
    assert (await payer.plan(), await payer.live()) == ("pro", [(id, "ACTIVE")])
    left = await payer.database.read(store.of_organisation, other)
    assert [one.status for one in left] == ["APPROVAL_PENDING"] * is_known
    with pytest.raises(ProviderUnavailable, match="cannot be understood"):
        await payer.subscriptions.refresh((await payer.known())[0])


async def test_pending_subscription_that_paypal_forgot_is_made_anew(payer: Payer) -> None:
    first = await payer.subscriptions.subscribe(payer.org_id, "pro")
    del payer.paypal.subscriptions[first.id]
    second = await payer.subscriptions.subscribe(payer.org_id, "pro")
    assert second.id != first.id
    assert await payer.live() == [(second.id, "APPROVAL_PENDING")]


async def test_subscription_of_a_call_that_was_cut_off_is_not_in_the_way(payer: Payer) -> None:
    """PayPal made it, and it has expired there; PayPal remembers the call."""
    cut_off = await payer.client.create(PRO, payer.org_id, request_id(payer.org_id, PRO, ""))
    assert (await payer.subscriptions.subscribe(payer.org_id, "pro")).id == cut_off.id
    await payer.writer.run(forget, payer.org_id)
    payer.paypal.become(cut_off.id, "EXPIRED")
    again = await payer.subscriptions.subscribe(payer.org_id, "pro")
    assert await payer.live() == [(again.id, "APPROVAL_PENDING")]


def forget(tx: Tx, org_id: str) -> None:
    """Deletes what is stored about an organisation's subscriptions."""
    tx.change(delete(subscriptions).where(subscriptions.c.org_id == org_id))


@pytest.mark.parametrize("failure", [500, 503, 429, "drop"])
async def test_nothing_is_stored_while_paypal_is_down(payer: Payer, failure: int | str) -> None:
    payer.paypal.failure = failure
    with pytest.raises(ProviderUnavailable):
        await payer.subscriptions.subscribe(payer.org_id, "pro")
    assert await payer.known() == []
    payer.paypal.failure = None
    id = await payer.paid()
    before = await payer.known()
    payer.paypal.failure = failure
    for act in (payer.subscriptions.change(payer.org_id, "scale"), payer.subscriptions.cancel(payer.org_id)):
        with pytest.raises(ProviderUnavailable):
            await act
    with pytest.raises(ProviderUnavailable):
        await payer.report("SUSPENDED", id)
    assert await payer.known() == before
    # PayPal may repeat it.
    events = await stored(payer.database, select(payment_events.c.id))
    assert len(events) == 1


async def test_slow_paypal_is_not_waited_for(
    payer: Payer, database: Database, writer: Writer, paypal: PayPalServer
) -> None:
    hurried = Payer(database, writer, paypal, org_id=payer.org_id, total_s=0.2)
    paypal.open.clear()
    with pytest.raises(ProviderUnavailable, match="within"):
        await hurried.subscriptions.subscribe(payer.org_id, "pro")
    paypal.open.set()
    await hurried.stop()
    assert await row_count(database, subscriptions) == 0


async def test_wrong_credentials_are_the_operators_to_mend(
    payer: Payer, database: Database, writer: Writer, paypal: PayPalServer
) -> None:
    wrong = Payer(database, writer, paypal, org_id=payer.org_id, secret="wrong-secret")  # noqa: S106
    with pytest.raises(ProviderRefused, match="invalid_client") as raised:
        await wrong.subscriptions.subscribe(payer.org_id, "pro")
    await wrong.stop()
    assert "wrong-secret" not in str(raised.value)
    assert await payer.known() == []


async def test_plan_that_paypal_does_not_know_is_refused(payer: Payer) -> None:
    await payer.writer.run(change_plan, "starter", {"paypal_plan_id": "P-UNKNOWN0000"})
    with pytest.raises(ProviderRefused, match="INVALID_RESOURCE_ID"):
        await payer.subscriptions.subscribe(payer.org_id, "starter")


async def test_token_is_kept_until_paypal_gives_it_up(payer: Payer) -> None:
    before = payer.paypal.calls["token"]
    await payer.paid()
    await payer.subscriptions.change(payer.org_id, "scale")
    assert payer.paypal.calls["token"] == before + 1
    payer.paypal.tokens.clear()
    await payer.subscriptions.cancel(payer.org_id)
    assert payer.paypal.calls["token"] == before + 2

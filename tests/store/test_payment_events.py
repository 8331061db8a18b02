"""The events of PayPal on both engines: in any order, doubled and forged, the plan ends right (C-79)."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from server.billing import applying, store
from server.billing.events import KEPT_MS
from server.billing.faults import EventNotValid
from server.db.database import Database
from server.db.tables.billing import payment_events
from server.ids import new_id
from tests.harness.paypal_certificates import Authority, authority, self_signed
from tests.harness.paypal_events import SUBSCRIPTION_EVENTS, signed
from tests.harness.paypal_server import PRO, SCALE, PayPalServer
from tests.harness.rows import row_count, stored
from tests.store.payer import DAY_S, Payer


@dataclass(frozen=True)
class Change:
    """A change of a subscription at PayPal, and the event by which PayPal reports it."""

    kind: str
    happen: Callable[[PayPalServer, str], None]


def revise(paypal: PayPalServer, id: str) -> None:
    """The plan is changed to the larger one."""
    paypal.subscriptions[id]["plan_id"] = SCALE
    paypal.become(id, "ACTIVE")


CREATED = Change("CREATED", lambda paypal, id: None)
ACTIVATED = Change("ACTIVATED", PayPalServer.pay)
PAID = Change("SALE.COMPLETED", PayPalServer.pay)
FAILED = Change("PAYMENT.FAILED", PayPalServer.fail_payment)
UPDATED = Change("UPDATED", revise)
SUSPENDED = Change("SUSPENDED", lambda paypal, id: paypal.become(id, "SUSPENDED"))
REACTIVATED = Change("RE-ACTIVATED", PayPalServer.pay)
CANCELLED = Change("CANCELLED", lambda paypal, id: paypal.become(id, "CANCELLED"))
EXPIRED = Change("EXPIRED", lambda paypal, id: paypal.become(id, "EXPIRED"))

# The changes of a subscription in their order, the plan after them, and the plan two months later.
LIVES = {
    "created": ((CREATED,), "free", "free"),
    "paid": ((CREATED, ACTIVATED, PAID, UPDATED), "scale", "scale"),
    "suspended": ((CREATED, ACTIVATED, FAILED, SUSPENDED), "free", "free"),
    "settled": ((ACTIVATED, FAILED, SUSPENDED, REACTIVATED), "pro", "pro"),
    "cancelled": ((CREATED, ACTIVATED, PAID, CANCELLED), "pro", "free"),
    "cancelled while suspended": ((ACTIVATED, FAILED, SUSPENDED, CANCELLED), "pro", "free"),
    "expired": ((CREATED, ACTIVATED, UPDATED, EXPIRED), "free", "free"),
}


async def lived(payer: Payer, changes: tuple[Change, ...]) -> tuple[str, list[bytes]]:
    """A subscription after changes, a second apart, and the events about them, of which none has come yet."""
    id = (await payer.subscriptions.subscribe(payer.org_id, "pro")).id
    events = []
    for change in changes:
        payer.clock.advance(1)
        change.happen(payer.paypal, id)
        events.append(payer.event(change.kind, id))
    return id, events


def test_every_event_of_a_subscription_is_tried() -> None:
    kinds = {change.kind for changes, *_ in LIVES.values() for change in changes}
    assert kinds == {*SUBSCRIPTION_EVENTS, "SALE.COMPLETED"}


@pytest.mark.parametrize("life", LIVES)
async def test_plan_ends_right_in_any_order_of_events(payer: Payer, life: str) -> None:
    changes, plan, _ = LIVES[life]
    for order in itertools.permutations(range(len(changes))):
        payer.org_id = new_id()
        await payer.add(payer.org_id)
        _, events = await lived(payer, changes)
        for number in order:
            await payer.take(events[number])
            calls = payer.paypal.calls.total()
            await payer.take(events[number])
            assert payer.paypal.calls.total() == calls
        assert await payer.plan() == plan, order
        # Each state is applied once, and all later events find it there.
        assert len(await payer.audited()) <= 1


@pytest.mark.parametrize("life", LIVES)
async def test_plan_ends_right_when_all_events_come_at_once(payer: Payer, life: str) -> None:
    changes, plan, later = LIVES[life]
    _, events = await lived(payer, changes)
    await asyncio.gather(*(payer.take(body) for body in events * 3))
    assert await payer.plan() == plan
    kept = await stored(payer.database, select(payment_events.c.id))
    assert {row.id for row in kept} == {json.loads(body)["id"] for body in events}
    payer.clock.advance(62 * DAY_S)
    await payer.rereading.step()
    assert await payer.plan() == later


@pytest.mark.parametrize("seed", range(12))
async def test_plan_ends_right_when_events_come_late_among_changes(payer: Payer, seed: int) -> None:
    """A random life: changes go on while events are late, doubled and out of order."""
    random = Random(seed)
    id = (await payer.subscriptions.subscribe(payer.org_id, "pro")).id
    payer.paypal.pay(id)
    waiting = [payer.event("ACTIVATED", id)]
    steps: list[Any] = [PAID, UPDATED, SUSPENDED, REACTIVATED, FAILED]
    for _ in range(20):
        if waiting and random.random() < 0.5:
            body = random.choice(waiting)
            await payer.take(body)
            if random.random() < 0.7:
                waiting.remove(body)
            continue
        change = random.choice(steps)
        # Sometimes two changes in one of PayPal's seconds.
        payer.clock.advance(random.choice([0, 1, 60]))
        change.happen(payer.paypal, id)
        waiting.append(payer.event(change.kind, id))
    random.shuffle(waiting)
    for body in waiting:
        await payer.take(body)
    shown = payer.paypal.shown(id)
    paid_for = {PRO: "pro", SCALE: "scale"}[shown["plan_id"]]
    assert await payer.plan() == (paid_for if shown["status"] == "ACTIVE" else "free")


@pytest.mark.parametrize("seconds", [0, 1])
async def test_older_reading_changes_nothing(payer: Payer, seconds: int) -> None:
    """Two servers read a subscription, and the one that read it first writes last."""
    id = await payer.paid()
    older = await payer.client.subscription(id)
    payer.clock.advance(seconds)
    payer.paypal.become(id, "CANCELLED")
    newer = await payer.client.subscription(id)
    for reading in (newer, older, newer, older):
        await payer.writer.run(applying.apply, reading, "free", payer.clock.now_ms())
    [known] = await payer.known()
    assert (known.status, known.live) == ("CANCELLED", False)


async def test_event_about_a_subscription_of_others_changes_nothing(payer: Payer) -> None:
    id = await payer.paid()
    before = await payer.known()
    shown = {**payer.paypal.shown(id), "id": "I-OTHERS000000"}
    payer.paypal.subscriptions["I-OTHERS000000"] = shown
    await payer.report("SUSPENDED", "I-OTHERS000000")
    assert await payer.known() == before


async def test_event_is_believed_from_paypal_only(payer: Payer) -> None:
    id = (await payer.subscriptions.subscribe(payer.org_id, "pro")).id
    payer.paypal.pay(id)
    body, paypal = payer.event("ACTIVATED", id), payer.paypal
    right = signed(body, paypal.cert_url, paypal.signer)
    forger, expired, stranger = self_signed(), authority().signer(ends=-1), Authority().signer()
    forged = {
        "other body": right,
        "no headers": {},
        "own certificate": signed(body, paypal.certificates_url + paypal.publish(forger), forger),
        "expired": signed(body, paypal.certificates_url + paypal.publish(expired), expired),
        "other authority": signed(body, paypal.certificates_url + paypal.publish(stranger), stranger),
        "other key": signed(body, paypal.cert_url, authority().signer()),
        "other webhook": signed(body, paypal.cert_url, paypal.signer, webhook_id="WH-OTHER"),
        "other host": signed(body, "https://evil.example" + paypal.cert_path, paypal.signer),
        "in clear": signed(body, paypal.cert_url.replace("https", "http"), paypal.signer),
        "no certificate": signed(body, paypal.cert_url + "0", paypal.signer),
        "other time": {**right, "PAYPAL-TRANSMISSION-TIME": "2026-11-28T00:00:00Z"},
        "other id": {**right, "PAYPAL-TRANSMISSION-ID": "x"},
        "moved separator": {**right, "PAYPAL-TRANSMISSION-ID": right["PAYPAL-TRANSMISSION-ID"] + "|x"},
        "no signature": {**right, "PAYPAL-TRANSMISSION-SIG": ""},
        "no base64": {**right, "PAYPAL-TRANSMISSION-SIG": "!"},
        "other algorithm": {**right, "PAYPAL-AUTH-ALGO": "SHA1withRSA"},
        "no algorithm": {**right, "PAYPAL-AUTH-ALGO": "none"},
    }
    for name, headers in forged.items():
        with pytest.raises(EventNotValid):
            await payer.take(body + b" " * (name == "other body"), headers)
    assert (await payer.plan(), await row_count(payer.database, payment_events)) == ("free", 0)
    await payer.take(body, right)
    assert await payer.plan() == "pro"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"7",
        b"{",
        b'{"id": ""}',
        b'{"id": 7}',
        b'{"id": "a\\u0000b"}',
        b"\xff",
        b'{"id":"' + b"x" * 65,
    ],
)
async def test_signed_body_that_is_no_event_is_refused(payer: Payer, body: bytes) -> None:
    with pytest.raises(EventNotValid):
        await payer.take(body)


async def test_event_is_forgotten_when_paypal_repeats_it_no_more(payer: Payer, database: Database) -> None:
    id = await payer.paid()
    payer.clock.advance(KEPT_MS / 1000 - 10)
    await payer.report("SALE.COMPLETED", id)
    assert (await payer.events.sweep(), await row_count(database, payment_events)) == (False, 2)
    payer.clock.advance(20)
    assert (await payer.events.sweep(), await row_count(database, payment_events)) == (False, 1)


async def test_events_are_swept_in_small_batches(payer: Payer, database: Database) -> None:
    for number in range(5):
        await payer.writer.run(store.add_event, payer.org_id, f"WH-{number}", payer.clock.now_ms())
    later = payer.clock.now_ms() + 1
    assert await payer.writer.run(store.sweep_events, later, 3)
    assert not await payer.writer.run(store.sweep_events, later, 3)
    assert await row_count(database, payment_events) == 0

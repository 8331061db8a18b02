"""Applies readings of subscriptions, each in one transaction: its row, the plan, and the audit log."""

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from server.accounts import audit_store
from server.accounts.audit_store import NewEntry
from server.accounts.store import change_organisation
from server.billing import store
from server.billing.faults import SubscriptionExists
from server.billing.rules import Reading, Subscription, after_reading, due_after, giver, is_newer
from server.db.tx import Tx
from server.ids import new_id

_log = structlog.get_logger()


class Applied(NamedTuple):
    """A subscription after a reading.

    `is_surplus`: its owner pays for it, and should not: the organisation has another one, or is closed.
    """

    subscription: Subscription
    is_surplus: bool


def apply(tx: Tx, reading: Reading, default_plan: str, now_ms: int) -> Applied | None:
    """Applies a reading of a subscription that is known, unless a newer one was applied before.

    None if it is not known. `default_plan` is the plan of an organisation that nothing gives another plan.
    """
    found = store.by_id(tx, reading.id)
    if found is None:
        return None
    organisation, rows = _locked(tx, found.org_id)
    known = rows[reading.id]
    after = known
    if is_newer(reading, known):
        plan = store.plan_of_paypal(tx, reading.paypal_plan_id)
        if plan is None and reading.paypal_plan_id != known.paypal_plan_id:
            _log.warning("no plan has this id at PayPal", paypal_plan_id=reading.paypal_plan_id, id=known.id)
        after = after_reading(known, reading, plan or known.plan, now_ms)
    live = next((one for one in rows.values() if one.live and one.id != after.id), None)
    is_surplus = False
    changed = [after]
    if after.is_approved and not after.live:
        # It was given up for another one, or by its owner, and was approved nevertheless.
        if live is None or not live.is_approved:
            changed = [after._replace(live=True), *([] if live is None else [live._replace(live=False)])]
        else:
            is_surplus = True
    if after.is_approved and organisation.closed_at is not None:
        is_surplus = True
    settled = _settle(tx, organisation, rows, changed, default_plan, now_ms)
    return Applied(settled[after.id], is_surplus)


def adopt(tx: Tx, org_id: str, plan: str, reading: Reading, default_plan: str, now_ms: int) -> Subscription:
    """Makes a subscription, which was made at PayPal, the one of its organisation.

    Raises `SubscriptionExists` if another one was approved meanwhile.
    """
    organisation, rows = _locked(tx, org_id)
    live = next((one for one in rows.values() if one.live and one.id != reading.id), None)
    if live is not None and live.is_approved:
        raise SubscriptionExists(live.id, live.status)
    known = rows.get(reading.id)
    if known is None:
        known = Subscription(
            org_id=org_id,
            id=reading.id,
            plan=plan,
            paypal_plan_id=reading.paypal_plan_id,
            status=reading.status,
            live=False,
            gives=None,
            next_plan=None,
            paid_until=None,
            created_at=now_ms,
            updated_at=reading.updated_at,
            due_at=None,
        )
    after = after_reading(known, reading, plan, now_ms) if is_newer(reading, known) else known
    changed = [after._replace(live=not after.has_ended)]
    if live is not None:
        changed.append(live._replace(live=False))
    return _settle(tx, organisation, rows, changed, default_plan, now_ms)[reading.id]


def give_up(tx: Tx, known: Subscription, default_plan: str, now_ms: int) -> Subscription:
    """Gives a subscription up, which PayPal cancels for nobody before it is approved.

    One that was approved meanwhile is left as it is.
    """
    organisation, rows = _locked(tx, known.org_id)
    after = rows[known.id]
    if after.is_approved:
        return after
    return _settle(tx, organisation, rows, [after._replace(live=False)], default_plan, now_ms)[known.id]


def vanish(tx: Tx, known: Subscription, default_plan: str, now_ms: int) -> Subscription:
    """Ends a subscription that was never approved and that PayPal does not know any more."""
    organisation, rows = _locked(tx, known.org_id)
    after = rows[known.id]
    if not after.is_approved and not after.has_ended:
        after = after._replace(status="EXPIRED", live=False, next_plan=None, due_at=None)
    return _settle(tx, organisation, rows, [after], default_plan, now_ms)[known.id]


def mark_change(tx: Tx, known: Subscription, next_plan: str) -> None:
    """Notes the plan that a subscription changes to once its owner has approved that."""
    _, rows = _locked(tx, known.org_id)
    after = rows[known.id]
    if after.plan != next_plan and not after.has_ended:
        store.write(tx, [after._replace(next_plan=next_plan)])


def settle(tx: Tx, org_id: str, default_plan: str, now_ms: int) -> None:
    """Takes a plan back whose time is over."""
    organisation, rows = _locked(tx, org_id)
    _settle(tx, organisation, rows, [], default_plan, now_ms)


class _Organisation(NamedTuple):
    org_id: str
    plan: str
    closed_at: int | None


def _locked(tx: Tx, org_id: str) -> tuple[_Organisation, dict[str, Subscription]]:
    """The organisation and its subscriptions, which no other transaction changes before this one ends."""
    row = store.lock_organisation(tx, org_id)
    assert row is not None, "organisations are never deleted before their subscriptions"
    return _Organisation(org_id, *row), {one.id: one for one in store.of_organisation(tx, org_id)}


def _settle(
    tx: Tx,
    organisation: _Organisation,
    known: dict[str, Subscription],
    changed: Sequence[Subscription],
    default_plan: str,
    now_ms: int,
) -> dict[str, Subscription]:
    """Stores changed subscriptions, and gives the organisation the plan that is paid for.

    Without one it gets the default plan, unless the operator has given it another one meanwhile.
    """
    rows = {**known, **{one.id: one for one in changed}}
    given = giver(list(rows.values()), now_ms)
    after = None if given is None else given.plan
    before = next((one.gives for one in known.values() if one.gives is not None), None)
    for id, one in rows.items():
        rows[id] = one._replace(gives=after if one is given else None)
        if one.has_ended:
            rows[id] = rows[id]._replace(due_at=due_after(one, now_ms))
    store.write(tx, [one for id, one in rows.items() if known.get(id) != one])
    has_status = [one for one in changed if one.id in known and known[one.id].status != one.status]
    happened: list[tuple[str, str]] = [(one.status, one.id) for one in has_status]
    if after != before:
        plan = after or (default_plan if organisation.plan == before else organisation.plan)
        if plan != organisation.plan:
            change_organisation(tx, organisation.org_id, {"plan": plan})
        if not happened and given is not None:
            happened = [("PLAN_CHANGED", given.id)]
        elif not happened:
            happened = [("PERIOD_ENDED", id) for id, one in known.items() if one.gives is not None]
    audit_store.add_all(tx, [_entry(organisation.org_id, *what, now_ms) for what in happened])
    return rows


def _entry(org_id: str, what: str, subscription_id: str, now_ms: int) -> NewEntry:
    return NewEntry(org_id, new_id(), now_ms, f"PayPal/{what}", subscription_id, "internal", "", "")

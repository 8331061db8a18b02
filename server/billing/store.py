"""Subscriptions and the events about them in the store."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, update

from server.billing.rules import Subscription
from server.db.keys import in_keys
from server.db.statements import Change
from server.db.tables.accounts import organisations
from server.db.tables.billing import payment_events, subscriptions
from server.db.tables.quotas import plans
from server.db.tx import Tx

_COLUMNS = [subscriptions.c[name] for name in Subscription._fields]
_KEY = (subscriptions.c.org_id, subscriptions.c.id)
_EVENT_KEY = (payment_events.c.org_id, payment_events.c.id)

_WRITE = Change(f"""
    INSERT INTO subscriptions ({", ".join(Subscription._fields)})
    VALUES ({", ".join(f":{name}" for name in Subscription._fields)})
    ON CONFLICT (org_id, id)
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in Subscription._fields[2:])}
""")
_ADD_EVENT = Change(
    "INSERT INTO payment_events (org_id, id, received_at) VALUES (:org_id, :id, :now) ON CONFLICT DO NOTHING"
)


class OrganisationRow(NamedTuple):
    """The plan of an organisation, and when an owner closed it, None if it is open."""

    plan: str
    closed_at: int | None


class OfferRow(NamedTuple):
    """A plan that can be subscribed to, with its id at PayPal; a limit that is None does not exist."""

    plan: str
    paypal_plan_id: str
    monthly_limit: int | None
    daily_limit: int | None
    burst_limit: int | None
    overage: bool


class _Event(NamedTuple):
    org_id: str
    id: str


def offers(tx: Tx) -> list[OfferRow]:
    """The plans that can be subscribed to, by name."""
    columns = [plans.c[name] for name in OfferRow._fields]
    return tx.all(
        OfferRow, select(*columns).where(plans.c.paypal_plan_id.is_not(None)).order_by(plans.c.plan)
    )


def plan_of_paypal(tx: Tx, paypal_plan_id: str) -> str | None:
    """Our name of a plan of PayPal's; None for an unknown one."""
    query = select(plans.c.plan).where(plans.c.paypal_plan_id == paypal_plan_id).order_by(plans.c.plan)
    return tx.scalar(str, query)


def lock_organisation(tx: Tx, org_id: str) -> OrganisationRow | None:
    """An organisation; no other transaction changes it or its subscriptions before this one ends."""
    query = select(organisations.c.plan, organisations.c.closed_at).where(organisations.c.org_id == org_id)
    return tx.first(OrganisationRow, query.with_for_update(key_share=True))


def of_organisation(tx: Tx, org_id: str) -> list[Subscription]:
    """The subscriptions of an organisation, the oldest first."""
    query = select(*_COLUMNS).where(subscriptions.c.org_id == org_id)
    return tx.all(Subscription, query.order_by(subscriptions.c.created_at, subscriptions.c.id))


def by_id(tx: Tx, id: str) -> Subscription | None:
    """The subscription with this id, of any organisation: PayPal's events name no organisation."""
    return tx.first(Subscription, select(*_COLUMNS).where(subscriptions.c.id == id))


def claim(tx: Tx, now_ms: int, until_ms: int, limit: int) -> list[Subscription]:
    """At most `limit` subscriptions whose time has come, which no other server gets before `until_ms`."""
    query = select(*_COLUMNS).where(subscriptions.c.due_at <= now_ms).order_by(subscriptions.c.due_at)
    found = tx.all(Subscription, query.limit(limit).with_for_update(skip_locked=True))
    if found:
        keys = [(one.org_id, one.id) for one in found]
        tx.change(update(subscriptions).where(in_keys(tx, _KEY, keys)).values(due_at=until_ms))
    return found


def write(tx: Tx, changed: Sequence[Subscription]) -> None:
    """Stores subscriptions, new ones and known ones.

    Those that are not live any more come first: an organisation has one live subscription at any time.
    """
    _WRITE.run(tx, [one._asdict() for one in sorted(changed, key=lambda one: one.live)])


def has_event(tx: Tx, org_id: str, id: str) -> bool:
    """True if this event about a subscription of the organisation was taken before."""
    key = (payment_events.c.org_id == org_id) & (payment_events.c.id == id)
    return tx.scalar(str, select(payment_events.c.id).where(key)) is not None


def add_event(tx: Tx, org_id: str, id: str, now_ms: int) -> bool:
    """Notes that an event was taken; False if it was before."""
    return _ADD_EVENT.run(tx, [{"org_id": org_id, "id": id, "now": now_ms}]) == 1


def sweep_events(tx: Tx, before_ms: int, limit: int) -> bool:
    """Deletes at most `limit` events taken before a time; True if more may be left."""
    found = tx.all(_Event, select(*_EVENT_KEY).where(payment_events.c.received_at < before_ms).limit(limit))
    if found:
        tx.change(delete(payment_events).where(in_keys(tx, _EVENT_KEY, found)))
    return len(found) == limit

"""The plans in the store, as the operator edits them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select, update

from server.db.tables.quotas import plans
from server.db.tx import Tx

_PAYPAL_PLAN = re.compile(r"P-[A-Z0-9]{1,48}", re.ASCII)


class PlanRow(NamedTuple):
    """A plan; a limit that is None does not exist. `attachment_bytes` are those of one email together."""

    plan: str
    daily_limit: int | None
    monthly_limit: int | None
    overage: bool
    unique_limit: int | None
    burst_limit: int | None
    attachment_bytes: int
    smtp: bool
    webhook_limit: int | None
    key_limit: int | None
    domain_limit: int | None
    scheduled_limit: int | None
    scheduled_bytes_limit: int | None
    test_limit: int | None
    contact_limit: int | None
    contact_import_limit: int | None
    contact_list_limit: int | None
    paypal_plan_id: str | None


def is_paypal_plan(text: str) -> bool:
    """True for an id of a plan at PayPal."""
    return _PAYPAL_PLAN.fullmatch(text) is not None


def all_plans(tx: Tx) -> list[PlanRow]:
    """Every plan, by name."""
    return tx.all(PlanRow, select(plans).order_by(plans.c.plan))


def locked(tx: Tx) -> dict[str, PlanRow]:
    """Every plan by its name; no other transaction that asks here changes one until this one ends."""
    rows = tx.all(PlanRow, select(plans).order_by(plans.c.plan).with_for_update(key_share=True))
    return {row.plan: row for row in rows}


def change_plan(tx: Tx, name: str, changes: Mapping[str, object]) -> list[PlanRow]:
    """Changes the given columns of a plan; every plan after that, by name."""
    if changes:
        tx.change(update(plans).where(plans.c.plan == name).values(changes))
    return all_plans(tx)

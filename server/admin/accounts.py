"""Organisations as operators see them: a row with its rates and its usage."""

from collections.abc import Sequence
from dataclasses import dataclass

from zidimail.v1 import admin_pb2

from server.account_health import store as health
from server.account_health.rules import Counts
from server.account_health.store import reasons_of
from server.account_health.to_proto import ACCOUNT_STATES, reason_values
from server.accounts.store import OrganisationRow
from server.admin.limits import limits_message
from server.db.tx import Tx
from server.events.to_proto import rates_message
from server.quotas.plans import PlanRow
from server.quotas.rules import AccountLimits, Periods, Used
from server.quotas.store import account_limits
from server.quotas.to_proto import quota_message
from server.wire.timestamps import timestamp


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation with the counts of the window by which it is judged, its limits and its usage."""

    row: OrganisationRow
    counts: Counts
    limits: AccountLimits
    used: Used
    periods: Periods


@dataclass(frozen=True, slots=True)
class Window:
    """The hours for which the rates of accounts are counted, and the slow start of new ones."""

    hours: int
    slow_start: Sequence[int] = ()


def with_figures(tx: Tx, rows: Sequence[OrganisationRow], now_ms: int, window: Window) -> list[Account]:
    """The accounts of organisations: two statements for all of them."""
    org_ids, periods = [row.org_id for row in rows], Periods.of(now_ms)
    counts = health.sums(tx, org_ids, now_ms, window.hours)
    usage = account_limits(tx, org_ids, periods, now_ms, slow_start=window.slow_start)
    return [
        Account(row, counts.get(row.org_id, Counts()), *usage[row.org_id], periods=periods)
        for row in rows
        if row.org_id in usage
    ]


def account_message(account: Account) -> admin_pb2.OrganisationAccount:
    """An organisation."""
    row, limits, used, periods = account.row, account.limits.limits, account.used, account.periods
    daily = [limit for limit in (limits.daily, limits.warm_up) if limit is not None]
    return admin_pb2.OrganisationAccount(
        id=row.org_id,
        name=row.name,
        plan=row.plan,
        sandbox=row.sandbox,
        owner_email=row.owner_email,
        state=ACCOUNT_STATES[account.limits.standing.state],
        reasons=reason_values(reasons_of(row.state_reasons)),
        note=row.state_note,
        state_since=timestamp(row.created_at if row.state_since is None else row.state_since),
        rates=rates_message(health.rates_of(account.counts)),
        daily=quota_message(used.day, min(daily, default=None), periods.day_ends_ms),
        monthly=quota_message(used.month, limits.monthly, periods.month_ends_ms),
        limits=limits_message(row),
        created_at=timestamp(row.created_at),
        closed_at=None if row.closed_at is None else timestamp(row.closed_at),
    )


def plan_message(row: PlanRow) -> admin_pb2.PlanLimits:
    """A plan."""
    return admin_pb2.PlanLimits(
        plan=row.plan,
        limits=limits_message(row),
        overage=row.overage,
        attachment_bytes=row.attachment_bytes,
        smtp=row.smtp,
        paypal_plan=row.paypal_plan_id,
    )

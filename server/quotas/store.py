"""Standings and usage in the store: read and locked, then written, for all organisations at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Insert, Row, case, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among, keys_parameter, one_of
from server.db.prepared import Prepared, Rows
from server.db.schema import domains, organisations, plans, unique_recipients, usage
from server.db.upsert import upserting
from server.quotas.rules import LEVEL_NEW, LEVEL_VERIFIED, Limits, Periods, Standing, Used, warm_up_cap

# How many periods ahead another server's clock may be believed: by more, it was wrong.
_AHEAD = {"day": 1, "month": 1, "second": 60}
_PERIODS = ("day", "day_count", "month", "month_count", "unique_count", "second", "second_count")
_HAS_DOMAIN = exists().where(domains.c.org_id == organisations.c.org_id, domains.c.verified)
_WANTED = (organisations.c.org_id,)
_STANDINGS = Prepared(
    lambda dialect: (
        select(
            organisations,
            plans.c.daily_limit.label("plan_daily"),
            plans.c.monthly_limit.label("plan_monthly"),
            plans.c.unique_limit.label("plan_unique"),
            plans.c.burst_limit.label("plan_burst"),
            plans.c.overage,
            plans.c.attachment_bytes,
            _HAS_DOMAIN.label("has_domain"),
            *(usage.c[name] for name in _PERIODS),
        )
        .join(plans, plans.c.plan == organisations.c.plan)
        .join(usage, usage.c.org_id == organisations.c.org_id, isouter=True)
        .where(one_of(dialect, _WANTED))
        .order_by(organisations.c.org_id)
    )
)

_LOCK = Prepared(
    lambda dialect: (
        select(organisations.c.org_id)
        .where(one_of(dialect, _WANTED))
        .order_by(organisations.c.org_id)
        .with_for_update(key_share=True, of=organisations)
    )
)


async def standings(
    connection: AsyncConnection,
    org_ids: Iterable[str],
    periods: Periods,
    now_ms: int,
    *,
    slow_start: Sequence[int] = (),
    lock: bool = False,
) -> dict[str, tuple[Standing, Used]]:
    """Each organisation's standing and usage.

    With `lock` no other transaction charges these organisations before this one ends: several servers on
    one PostgreSQL count exactly. On SQLite one connection writes.
    """
    wanted = keys_parameter([(org_id,) for org_id in org_ids])
    if lock and connection.dialect.name == "postgresql":
        # A statement of its own: one that joins would wait for the lock and then still see the usage of
        # before (PostgreSQL re-reads locked rows only). In one order, so that nobody waits in a circle.
        await _LOCK.rows(connection, wanted)
    rows = await _STANDINGS.rows(connection, wanted)
    return {row.org_id: (_standing(row, slow_start, now_ms), _used(row, periods)) for row in rows}


async def recall_recipients(
    connection: AsyncConnection, wanted: Mapping[str, Iterable[str]], month: int
) -> dict[str, set[str]]:
    """Which of the wanted addresses each organisation has written to this month."""
    pairs = [(org_id, address) for org_id, addresses in wanted.items() for address in addresses]
    found: dict[str, set[str]] = {org_id: set() for org_id in wanted}
    if pairs:
        key = (unique_recipients.c.org_id, unique_recipients.c.address)
        query = select(*key).where(among(connection, key, pairs), unique_recipients.c.month == month)
        for org_id, address in await connection.execute(query):
            found[org_id].add(address)
    return found


async def write_usage(connection: AsyncConnection, charged: Mapping[str, Used], periods: Periods) -> None:
    """Stores what the organisations have used now."""
    if not charged:
        return
    rows = [
        {
            "org_id": org_id,
            "day": periods.day,
            "day_count": used.day,
            "month": periods.month,
            "month_count": used.month,
            "unique_count": used.unique,
            "second": periods.second,
            "second_count": used.second,
        }
        for org_id, used in charged.items()
    ]
    await _UPSERT.change(connection, rows)
    fresh = [
        {"org_id": org_id, "month": periods.month, "address": address}
        for org_id, used in charged.items()
        for address in used.fresh
    ]
    if fresh:
        await _UNIQUE_RECIPIENTS.insert(connection, fresh)


def _upsert(dialect: str) -> Insert:
    statement = upserting(dialect, usage)
    excluded = statement.excluded

    def stored(name: str) -> ColumnElement[int]:
        if name not in _AHEAD:
            return cast(ColumnElement[int], excluded[name])
        goes_on = usage.c[name].between(excluded[name], excluded[name] + _AHEAD[name])
        return case((goes_on, usage.c[name]), else_=excluded[name])

    upsert: Insert = statement.on_conflict_do_update(
        index_elements=[usage.c.org_id],
        set_={name: stored(name) for name in _PERIODS},
    )
    return upsert


_UPSERT = Prepared(_upsert)
_UNIQUE_RECIPIENTS = Rows(unique_recipients)


def _standing(row: Row[Any], slow_start: Sequence[int], now_ms: int) -> Standing:
    level = row.profile == "level"
    level_daily = LEVEL_VERIFIED if row.has_domain else LEVEL_NEW
    limits = Limits(
        plan=row.plan,
        daily=_first(row.daily_limit, level_daily if level else row.plan_daily),
        monthly=_first(row.monthly_limit, None if level else row.plan_monthly),
        overage=row.overage,
        unique=_first(row.unique_limit, None if level else row.plan_unique),
        burst=_first(row.burst_limit, None if level else row.plan_burst),
        attachment_bytes=row.attachment_bytes,
        warm_up=warm_up_cap(slow_start, row.created_at, now_ms),
    )
    return Standing(row.state, row.sandbox, row.owner_email, limits)


def _first(own: int | None, plans: int | None) -> int | None:
    return plans if own is None else own


def _used(row: Row[Any], periods: Periods) -> Used:
    """The numbers of the present periods; those of earlier ones are over.

    A period that begins after ours was begun by a server that waited less, or whose clock is ahead: it
    goes on.
    """
    if row.day is None:
        return Used()

    def goes_on(name: str) -> bool:
        ahead: int = getattr(row, name) - getattr(periods, name)
        return 0 <= ahead <= _AHEAD[name]

    this_month = goes_on("month")
    return Used(
        day=row.day_count if goes_on("day") else 0,
        month=row.month_count if this_month else 0,
        unique=row.unique_count if this_month else 0,
        second=row.second_count if goes_on("second") else 0,
    )

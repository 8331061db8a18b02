"""Limits and usage in the store: read and locked, then written, for all organisations of a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from server.account_health.rules import Standing, State
from server.account_health.store import reasons_of
from server.db.keys import in_keys
from server.db.statements import BulkInsert, Change, Statement
from server.db.tables.accounts import organisations
from server.db.tables.quotas import unique_recipients
from server.db.tx import Tx
from server.quotas.rules import (
    LEVEL_ATTACHMENTS,
    LEVEL_NEW,
    LEVEL_VERIFIED,
    AccountLimits,
    Limits,
    Periods,
    Used,
    warm_up_cap,
)

# The clock of another server may be ahead of ours by this many periods. One that is further ahead was wrong.
_DAYS_AHEAD = 1
_MONTHS_AHEAD = 1
_SECONDS_AHEAD = 60


class _AccountRow(NamedTuple):
    """An organisation with its plan and its usage; the usage is None before it first sends."""

    org_id: str
    plan: str
    profile: str
    sandbox: bool
    owner_email: str
    state: State
    state_reasons: str
    state_note: str
    daily_limit: int | None
    monthly_limit: int | None
    unique_limit: int | None
    burst_limit: int | None
    created_at: int
    plan_daily: int | None
    plan_monthly: int | None
    plan_unique: int | None
    plan_burst: int | None
    overage: bool
    attachment_bytes: int
    has_domain: bool
    scheduled_limit: int | None
    scheduled_bytes_limit: int | None
    test_limit: int | None
    day: int | None
    day_count: int | None
    month: int | None
    month_count: int | None
    unique_count: int | None
    second: int | None
    second_count: int | None
    test_count: int | None
    waiting_count: int | None
    waiting_bytes: int | None
    erasure_key: bytes | None


class _Organisation(NamedTuple):
    org_id: str


class _UniqueRecipient(NamedTuple):
    org_id: str
    address: str


_ACCOUNTS = Statement(
    _AccountRow,
    """
    SELECT o.org_id, o.plan, o.profile, o.sandbox, o.owner_email, o.state,
        o.state_reasons, o.state_note,
        o.daily_limit, o.monthly_limit, o.unique_limit, o.burst_limit, o.created_at,
        p.daily_limit AS plan_daily, p.monthly_limit AS plan_monthly, p.unique_limit AS plan_unique,
        p.burst_limit AS plan_burst, p.overage, p.attachment_bytes,
        EXISTS (SELECT 1 FROM domains AS d WHERE d.org_id = o.org_id AND d.verified) AS has_domain,
        COALESCE(o.scheduled_limit, p.scheduled_limit) AS scheduled_limit,
        COALESCE(o.scheduled_bytes_limit, p.scheduled_bytes_limit) AS scheduled_bytes_limit,
        COALESCE(o.test_limit, p.test_limit) AS test_limit,
        u.day, u.day_count, u.month, u.month_count, u.unique_count, u.second, u.second_count,
        u.test_count, u.waiting_count, u.waiting_bytes, o.erasure_key
    FROM organisations AS o
    JOIN plans AS p ON p.plan = o.plan
    LEFT JOIN usage AS u ON u.org_id = o.org_id
    WHERE o.org_id IN {keys}
    ORDER BY o.org_id
    """,
    keys={"org_id": "text"},
)
# Always in the order of the ids, so that no two transactions wait for each other.
_LOCK = Statement(
    _Organisation,
    """
    SELECT org_id FROM organisations WHERE org_id IN {keys}
    ORDER BY org_id
    {postgresql: FOR NO KEY UPDATE}
    """,
    keys={"org_id": "text"},
)
# A period that another server has begun goes on, unless that server's clock was wrong. What waits is counted
# by differences: emails stop waiting in transactions that lock no organisation.
_WRITE_USAGE = Change(f"""
    INSERT INTO usage (
        org_id, day, day_count, month, month_count, unique_count, second, second_count,
        test_count, waiting_count, waiting_bytes
    )
    VALUES (
        :org_id, :day, :day_count, :month, :month_count, :unique_count, :second, :second_count,
        :test_count, :waiting_count, :waiting_bytes
    )
    ON CONFLICT (org_id) DO UPDATE SET
        day = CASE WHEN usage.day BETWEEN excluded.day AND excluded.day + {_DAYS_AHEAD}
            THEN usage.day ELSE excluded.day END,
        day_count = excluded.day_count,
        month = CASE WHEN usage.month BETWEEN excluded.month AND excluded.month + {_MONTHS_AHEAD}
            THEN usage.month ELSE excluded.month END,
        month_count = excluded.month_count,
        unique_count = excluded.unique_count,
        second = CASE WHEN usage.second BETWEEN excluded.second AND excluded.second + {_SECONDS_AHEAD}
            THEN usage.second ELSE excluded.second END,
        second_count = excluded.second_count,
        test_count = excluded.test_count,
        waiting_count = usage.waiting_count + excluded.waiting_count,
        waiting_bytes = usage.waiting_bytes + excluded.waiting_bytes
""")
_STOP_WAITING = Change("""
    UPDATE usage SET waiting_count = waiting_count - :count, waiting_bytes = waiting_bytes - :bytes
    WHERE org_id = :org_id
""")
_UNIQUE_RECIPIENTS = BulkInsert(unique_recipients)


def account_limits(
    tx: Tx,
    org_ids: Iterable[str],
    periods: Periods,
    now_ms: int,
    *,
    slow_start: Sequence[int] = (),
    lock: bool = False,
) -> dict[str, tuple[AccountLimits, Used]]:
    """The limits and the usage of each organisation.

    With `lock` no other transaction charges these organisations before this one ends: several servers on
    one PostgreSQL count exactly. On SQLite one connection writes.
    """
    keys = [(org_id,) for org_id in org_ids]
    if lock and not tx.is_sqlite:
        # A statement of its own: one that joins would wait for the lock and then still see the usage of
        # before (PostgreSQL re-reads locked rows only).
        _LOCK.all(tx, keys)
    return {
        row.org_id: (_account_limits(row, slow_start, now_ms), _used(row, periods))
        for row in _ACCOUNTS.all(tx, keys)
    }


def account_state(tx: Tx, org_id: str) -> str:
    """The state of an organisation's account."""
    state = tx.scalar(str, select(organisations.c.state).where(organisations.c.org_id == org_id))
    assert state is not None
    return state


def recall_recipients(tx: Tx, asked: Mapping[str, Iterable[str]], month: int) -> dict[str, set[str]]:
    """The addresses, of those asked for, to which each organisation has sent this month."""
    pairs = [(org_id, address) for org_id, addresses in asked.items() for address in addresses]
    seen: dict[str, set[str]] = {org_id: set() for org_id in asked}
    if pairs:
        key = (unique_recipients.c.org_id, unique_recipients.c.address)
        query = select(*key).where(in_keys(tx, key, pairs), unique_recipients.c.month == month)
        for org_id, address in tx.all(_UniqueRecipient, query):
            seen[org_id].add(address)
    return seen


def write_usage(tx: Tx, charged: Mapping[str, Used], periods: Periods) -> None:
    """Stores the new usage of organisations."""
    if not charged:
        return
    _WRITE_USAGE.run(
        tx,
        [
            {
                "org_id": org_id,
                "day": periods.day,
                "day_count": used.day,
                "month": periods.month,
                "month_count": used.month,
                "unique_count": used.unique,
                "second": periods.second,
                "second_count": used.second,
                "test_count": used.test,
                "waiting_count": used.new_waiting,
                "waiting_bytes": used.new_waiting_bytes,
            }
            for org_id, used in charged.items()
        ],
    )
    _UNIQUE_RECIPIENTS.rows(
        tx,
        [
            {"org_id": org_id, "month": periods.month, "address": address}
            for org_id, used in charged.items()
            for address in used.fresh
        ],
    )


def stop_waiting(tx: Tx, emails: Iterable[tuple[str, int]]) -> None:
    """Counts out emails, each an organisation and its bytes, which were scheduled and wait no more."""
    counts: dict[str, list[int]] = {}
    for org_id, size in emails:
        counts.setdefault(org_id, []).append(size)
    _STOP_WAITING.run(
        tx,
        [
            {"org_id": org_id, "count": len(sizes), "bytes": sum(sizes)}
            for org_id, sizes in sorted(counts.items())
        ],
    )


def _account_limits(row: _AccountRow, slow_start: Sequence[int], now_ms: int) -> AccountLimits:
    level = row.profile == "level"
    level_daily = LEVEL_VERIFIED if row.has_domain else LEVEL_NEW
    limits = Limits(
        plan=row.plan,
        daily=_first(row.daily_limit, level_daily if level else row.plan_daily),
        monthly=_first(row.monthly_limit, None if level else row.plan_monthly),
        overage=row.overage,
        unique=_first(row.unique_limit, None if level else row.plan_unique),
        burst=_first(row.burst_limit, None if level else row.plan_burst),
        attachment_bytes=max(row.attachment_bytes, LEVEL_ATTACHMENTS) if level else row.attachment_bytes,
        warm_up=warm_up_cap(slow_start, row.created_at, now_ms),
        scheduled=row.scheduled_limit,
        scheduled_bytes=row.scheduled_bytes_limit,
        test_emails=row.test_limit,
    )
    standing = Standing(row.state, reasons_of(row.state_reasons), row.state_note)
    return AccountLimits(standing, row.sandbox, row.owner_email, limits, row.erasure_key)


def _first(own: int | None, plans: int | None) -> int | None:
    return plans if own is None else own


def _used(row: _AccountRow, periods: Periods) -> Used:
    """The usage of the present periods; that of earlier periods does not count.

    A period after ours was begun by a server that waited less for the lock, or whose clock is ahead: its
    usage counts.
    """
    this_month = _goes_on(row.month, periods.month, _MONTHS_AHEAD)
    today = _goes_on(row.day, periods.day, _DAYS_AHEAD)
    return Used(
        day=row.day_count or 0 if today else 0,
        test=row.test_count or 0 if today else 0,
        waiting=row.waiting_count or 0,
        waiting_bytes=row.waiting_bytes or 0,
        month=row.month_count or 0 if this_month else 0,
        unique=row.unique_count or 0 if this_month else 0,
        second=row.second_count or 0 if _goes_on(row.second, periods.second, _SECONDS_AHEAD) else 0,
    )


def _goes_on(stored: int | None, present: int, ahead: int) -> bool:
    return stored is not None and 0 <= stored - present <= ahead

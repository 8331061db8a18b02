"""Limits and how they are used up (Z-43..Z-46, C-2, C-15, C-47)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.quotas.rules import (
    Limits,
    Periods,
    Used,
    charge,
    charge_burst,
    charge_waiting,
    nearest_limit,
    overage,
    warm_up_cap,
)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = _ms("2026-11-22T23:59:58.500")
PERIODS = Periods.of(NOW)
NONE = Limits("pro", None, None, overage=False, unique=None, burst=None, attachment_bytes=0)


def _addresses(*names: str) -> set[str]:
    return {f"{name}@x.y" for name in names}


@pytest.mark.parametrize(
    ("moment", "day_ends", "month_ends"),
    [
        ("2026-11-22T23:59:59.999", "2026-11-23T00:00:00", "2026-12-01T00:00:00"),
        ("2026-11-23T00:00:00", "2026-11-24T00:00:00", "2026-12-01T00:00:00"),
        ("2026-12-31T12:00:00", "2027-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("2028-02-29T00:00:00", "2028-03-01T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_periods_end_at_midnight_and_on_the_first_utc(moment: str, day_ends: str, month_ends: str) -> None:
    periods = Periods.of(_ms(moment))
    assert periods.day_ends_ms == _ms(day_ends)
    assert periods.month_ends_ms == _ms(month_ends)


@given(st.integers(0, 4 * 10**12))
def test_each_time_is_in_its_periods_and_periods_are_contiguous(now_ms: int) -> None:
    periods = Periods.of(now_ms)
    assert now_ms < periods.second_ends_ms <= periods.day_ends_ms <= periods.month_ends_ms
    assert Periods.of(periods.day_ends_ms - 1).day == periods.day == Periods.of(periods.day_ends_ms).day - 1
    assert Periods.of(periods.month_ends_ms - 1).month == periods.month
    assert Periods.of(periods.month_ends_ms).month == periods.month + 1


def test_an_email_counts_once_for_the_second_and_by_its_addresses_for_the_rest() -> None:
    used = Used(day=1, month=2, second=3)
    charge_burst(used)
    charge(used, NONE, _addresses("a", "b"))
    assert (used.day, used.month, used.second) == (3, 4, 4)
    assert used.emails > 0
    assert (used.unique, used.fresh) == (0, [])


def test_scheduled_email_counts_with_its_bytes_beside_those_that_wait() -> None:
    """C-88."""
    used = Used(waiting=5, waiting_bytes=1000)
    charge_waiting(used, 70)
    charge_waiting(used, 7)
    assert (used.waiting, used.waiting_bytes) == (7, 1077)
    assert (used.new_waiting, used.new_waiting_bytes) == (2, 77)


def test_an_address_is_new_once_a_month() -> None:
    used = Used(unique=1, seen=_addresses("a"))
    for _ in range(2):
        charge(used, replace(NONE, unique=2), _addresses("a", "b"))
    assert (used.unique, used.fresh) == (2, ["b@x.y"])


def test_the_nearest_limit_is_the_one_with_the_least_left() -> None:
    limits = Limits("free", 250, 3000, overage=False, unique=None, burst=None, attachment_bytes=0)
    assert nearest_limit(Used(day=10, month=10), limits, PERIODS) == (250, 240, PERIODS.day_ends_ms)
    assert nearest_limit(Used(day=10, month=2999), limits, PERIODS) == (3000, 1, PERIODS.month_ends_ms)
    assert nearest_limit(Used(), replace(NONE, monthly=5, overage=True), PERIODS) is None


def test_longest_of_equally_near_limits_is_reported() -> None:
    limits = replace(NONE, daily=5, monthly=5)
    assert nearest_limit(Used(day=5, month=5), limits, PERIODS) == (5, 0, PERIODS.month_ends_ms)


@pytest.mark.parametrize(("monthly", "beyond"), [(None, 0), (0, 7), (5, 2), (7, 0), (9, 0)])
def test_overage_is_usage_over_the_monthly_limit(monthly: int | None, beyond: int) -> None:
    """C-15."""
    limits = replace(NONE, monthly=monthly, overage=True)
    assert overage(Used(month=7), limits) == beyond
    assert overage(Used(month=7), replace(limits, overage=False)) == 0


def test_slow_start_ends_with_its_table() -> None:
    day = 86_400_000
    assert [warm_up_cap((50, 100), 0, age) for age in (0, day - 1, day, 2 * day)] == [50, 50, 100, None]
    assert warm_up_cap((50,), NOW, NOW - 1) == 50
    assert warm_up_cap((), 0, 0) is None

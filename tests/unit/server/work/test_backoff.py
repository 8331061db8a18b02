"""Schedules (RFC 5321 section 4.5.4.1; contract row C-33 uses the same function)."""

import pytest

from server.work.backoff import DELIVERY_S, delay_s, exponential_s


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 240), (8, 240), (500, 240)],
)
def test_delivery_waits_longer_each_time_and_then_every_four_hours(failures: int, minutes: int) -> None:
    assert delay_s(DELIVERY_S, failures, lambda: 0.5) == pytest.approx(minutes * 60)


def test_jitter_stays_within_twenty_percent() -> None:
    assert delay_s(DELIVERY_S, 2, lambda: 0.0) == pytest.approx(240)
    assert delay_s(DELIVERY_S, 2, lambda: 1.0) == pytest.approx(360)


def test_a_loop_that_fails_for_days_still_waits_no_longer_than_its_limit() -> None:
    assert exponential_s(0.5, 30, 1, lambda: 0.5) == pytest.approx(0.5)
    assert exponential_s(0.5, 30, 3, lambda: 0.5) == pytest.approx(2)
    assert exponential_s(0.5, 30, 100_000, lambda: 0.5) == pytest.approx(30)

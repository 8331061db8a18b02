"""The schedule of a call's retries, and its end (contract row C-33)."""

import pytest

from server.webhooks.schedule import Verdict, seconds_of, verdict

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOW_MS = 1_800_000_000_000  # Fri, 15 Jan 2027 08:00:00 GMT


def _middle() -> float:
    return 0.5  # no jitter to either side


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    assert verdict(1, status, None, 0) == Verdict("delivered")


@pytest.mark.parametrize("status", [None, 100, 301, 302, 307, 400, 401, 404, 408, 500, 503])
def test_every_other_status_is_retried_redirects_too(status: int | None) -> None:
    assert verdict(1, status, None, 0).outcome == "deferred"


def test_410_disables_the_webhook() -> None:
    assert verdict(1, 410, None, 0) == Verdict("gone")
    assert verdict(10, 410, None, 0) == Verdict("gone")


def test_the_delays_are_those_of_standard_webhooks() -> None:
    delays = [verdict(attempts, 500, None, 0, _middle).delay_s for attempts in range(1, 10)]
    expected = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    assert delays == pytest.approx(expected)


def test_call_is_given_up_after_ten_failures() -> None:
    assert verdict(10, 500, None, 0) == Verdict("given_up")
    assert verdict(10, None, None, 0) == Verdict("given_up")


def test_delays_are_spread_by_a_fifth_to_either_side() -> None:
    delays = {verdict(2, 500, None, 0).delay_s for _ in range(500)}
    assert len(delays) > 100
    assert all(delay is not None and 240 <= delay <= 360 for delay in delays)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(
    ("asked_s", "granted_s"), [(0, 300), (299, 300), (400, 400), (600, 600), (9999, 600)]
)
def test_retry_after_is_honoured_up_to_twice_the_delay(status: int, asked_s: float, granted_s: float) -> None:
    assert verdict(2, status, asked_s, 0) == Verdict("deferred", granted_s)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_retry_after_of_other_statuses_is_ignored(status: int) -> None:
    assert verdict(2, status, 599, 0, _middle).delay_s == pytest.approx(300)


def test_429_consumes_no_attempts_but_age_counts() -> None:
    assert verdict(10, 429, None, 3 * DAY, _middle) == Verdict("deferred", pytest.approx(24 * HOUR))
    assert verdict(14, 429, None, 4 * DAY) == Verdict("given_up")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Fri, 15 Jan 2027 08:01:30 GMT", 90),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Fri, 15 Jan 2027 08:01:30", 90),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Fri, 99 Jan 2027 08:01:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header, NOW_MS) == seconds


def test_huge_retry_after_is_a_finite_number() -> None:
    assert verdict(1, 503, seconds_of("9" * 5000, NOW_MS), 0) == Verdict("deferred", 10)

"""Requests of one client are limited in a window, and counted in bounded memory (Z-46, C-47)."""

import pytest
from limits import parse

from edge.rates import CLIENTS, SHARED, Rate, RateLimiter


class Time:
    """Seconds that a test moves."""

    # Not every number of seconds can be added and taken away again exactly.
    now = 979.639

    def __call__(self) -> float:
        return self.now


def test_each_client_has_the_whole_limit() -> None:
    limiter = RateLimiter(parse("2/minute"), Time())
    assert [limiter.count("a").remaining for _ in range(4)] == [1, 0, -1, -2]
    assert limiter.count("b").remaining == 1


def test_limit_resets_when_the_window_ends() -> None:
    time = Time()
    limiter = RateLimiter(parse("1/minute"), time)
    assert limiter.count("a") == Rate(1, 0, 60)
    time.now += 59.5
    assert limiter.count("a") == Rate(1, -1, 1)
    time.now += 0.6
    assert limiter.count("a") == Rate(1, 0, 60)


def test_memory_of_many_addresses_is_bounded() -> None:
    limiter = RateLimiter(parse("6000/minute"), Time())
    for number in range(CLIENTS + 5 * SHARED):
        limiter.count(str(number))
    assert len(limiter._counts) <= CLIENTS + SHARED
    assert limiter.count("0").remaining == 6000 - 2
    assert limiter.count("another").remaining < 6000 - 1


@pytest.mark.parametrize(("remaining", "shown"), [(5, b"5"), (0, b"0"), (-3, b"0")])
def test_a_rate_has_three_headers(remaining: int, shown: bytes) -> None:
    """F-9."""
    assert Rate(10, remaining, 7).headers == (
        (b"ratelimit-limit", b"10"),
        (b"ratelimit-remaining", shown),
        (b"ratelimit-reset", b"7"),
    )

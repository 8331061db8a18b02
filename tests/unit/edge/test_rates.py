"""Z-46, C-47: so many requests of one visitor in a time, counted in bounded memory."""

import pytest
from limits import parse

from edge.rates import SHARED, VISITORS, Rate, Visits


class Time:
    """Seconds that a test moves."""

    # Not every number of seconds can be added and taken away again exactly.
    now = 979.639

    def __call__(self) -> float:
        return self.now


def test_each_visitor_has_the_whole_limit() -> None:
    visits = Visits(parse("2/minute"), Time())
    assert [visits.count("a").remaining for _ in range(4)] == [1, 0, -1, -2]
    assert visits.count("b").remaining == 1


def test_the_limit_is_whole_again_when_the_window_ends() -> None:
    time = Time()
    visits = Visits(parse("1/minute"), time)
    assert visits.count("a") == Rate(1, 0, 60)
    time.now += 59.5
    assert visits.count("a") == Rate(1, -1, 1)
    time.now += 0.6
    assert visits.count("a") == Rate(1, 0, 60)


def test_a_crowd_of_addresses_shares_counts_instead_of_memory() -> None:
    visits = Visits(parse("6000/minute"), Time())
    for number in range(VISITORS + 5 * SHARED):
        visits.count(str(number))
    assert len(visits._counts) <= VISITORS + SHARED
    assert visits.count("0").remaining == 6000 - 2
    assert visits.count("a newcomer").remaining < 6000 - 1


@pytest.mark.parametrize(("remaining", "shown"), [(5, b"5"), (0, b"0"), (-3, b"0")])
def test_a_rate_is_told_in_three_headers(remaining: int, shown: bytes) -> None:
    """F-9."""
    assert Rate(10, remaining, 7).headers == (
        (b"ratelimit-limit", b"10"),
        (b"ratelimit-remaining", shown),
        (b"ratelimit-reset", b"7"),
    )

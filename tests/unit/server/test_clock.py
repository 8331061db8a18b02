"""The database's clock, as a process carries it on between readings (C-93)."""

import pytest

from server.clock import DatabaseClock, Reading

SECOND_US = 1_000_000
NOON_US = 1_800_000_000 * SECOND_US


class Steady:
    """A monotonic clock that a test advances, in microseconds."""

    def __init__(self) -> None:
        self.us = 5 * SECOND_US

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def steady() -> Steady:
    return Steady()


def reading(steady: Steady, time_us: int, *, took_us: int, part: float = 0.5) -> Reading:
    """A reading that takes so long; the database looks at its clock after `part` of that time."""
    asked_us = steady.us
    steady.us += took_us
    return Reading(time_us + round(took_us * part), asked_us, steady.us)


def test_time_between_readings_is_that_of_the_steady_clock(steady: Steady) -> None:
    clock = DatabaseClock(reading(steady, NOON_US, took_us=2_000), steady)
    steady.us += 3 * SECOND_US
    assert clock.now_ms() == (NOON_US + 2_000 + 3 * SECOND_US) // 1000


@pytest.mark.parametrize("part", [0.0, 1.0])
def test_slow_answer_does_not_move_the_clock(steady: Steady, part: float) -> None:
    clock = DatabaseClock(reading(steady, NOON_US, took_us=0), steady)
    moved_ms = clock.correct(reading(steady, NOON_US, took_us=8 * SECOND_US, part=part))
    # No more than the two clocks may have drifted apart meanwhile.
    assert abs(moved_ms) <= 8
    assert abs(clock.now_ms() - (NOON_US + 8 * SECOND_US) // 1000) <= 8


def test_quick_answer_after_a_slow_one_corrects_the_clock(steady: Steady) -> None:
    clock = DatabaseClock(reading(steady, NOON_US, took_us=4 * SECOND_US, part=1.0), steady)
    assert clock.now_ms() == (NOON_US + 6 * SECOND_US) // 1000
    clock.correct(reading(steady, NOON_US + 4 * SECOND_US, took_us=0))
    assert clock.now_ms() == (NOON_US + 4 * SECOND_US) // 1000


@pytest.mark.parametrize("jump_s", [-90, 90])
def test_clock_follows_a_database_whose_time_jumps(steady: Steady, jump_s: int) -> None:
    """As after a fail-over, or when this machine stood still together with its steady clock."""
    clock = DatabaseClock(reading(steady, NOON_US, took_us=1_000), steady)
    moved_ms = clock.correct(reading(steady, NOON_US + 1_000 + jump_s * SECOND_US, took_us=1_000))
    assert moved_ms == pytest.approx(jump_s * 1000, abs=1)
    assert clock.now_ms() == (NOON_US + 2_000 + jump_s * SECOND_US) // 1000

"""Pauses after failed authentications (issue 11.4): whom they hold up, and for how long."""

import pytest
from limits import RateLimitItemPerMinute

from edge.smtp.backoff import LONGEST_S, SIZE, Backoff

NETWORK, OTHER = "192.0.2.1", "192.0.2.2"


class Now:
    """A clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.value = 1000.0

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def backoff(now: Now) -> Backoff:
    """Three failures bring no pause."""
    return Backoff(RateLimitItemPerMinute(3), now)


def fail(backoff: Backoff, times: int, network: str = NETWORK, credential: str = "Bearer wrong") -> None:
    for _ in range(times):
        backoff.failed(network, credential)


def test_pause_doubles_with_each_failure_up_to_a_limit(backoff: Backoff) -> None:
    fail(backoff, 2)
    assert backoff.pause_s(NETWORK, "Bearer next") == 0
    pauses = []
    for _ in range(12):
        fail(backoff, 1)
        pauses.append(backoff.pause_s(NETWORK, "Bearer next"))
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, *[LONGEST_S] * 4]


def test_pause_ends_with_time_and_failures_are_forgotten(backoff: Backoff, now: Now) -> None:
    fail(backoff, 3)
    now.value += 1.5
    assert backoff.pause_s(NETWORK, "Bearer next") == 0.5
    now.value += 0.5
    assert backoff.pause_s(NETWORK, "Bearer next") == 0
    now.value += LONGEST_S + 1
    fail(backoff, 1)
    assert backoff.pause_s(NETWORK, "Bearer next") == 0


def test_key_waits_wherever_it_is_tried(backoff: Backoff) -> None:
    for number in range(3):
        fail(backoff, 1, f"198.51.100.{number}", "Bearer guessed")
    assert backoff.pause_s(OTHER, "Bearer guessed") == 2
    assert backoff.pause_s(OTHER, "Bearer other") == 0


def test_key_that_was_accepted_from_an_address_is_not_held_up_there(backoff: Backoff) -> None:
    backoff.succeeded(NETWORK, "Bearer good")
    fail(backoff, 10)
    assert backoff.pause_s(NETWORK, "Bearer good") == 0
    assert backoff.pause_s(NETWORK, "Bearer next") > 0


def test_success_from_elsewhere_does_not_free_an_address(backoff: Backoff) -> None:
    fail(backoff, 5)
    backoff.succeeded(OTHER, "Bearer good")
    assert backoff.pause_s(NETWORK, "Bearer good") > 0


def test_memory_of_failures_is_bounded(backoff: Backoff) -> None:
    fail(backoff, 3)
    for number in range(SIZE):
        backoff.failed(f"2001:db8:{number:x}::/64", "")
    assert backoff.pause_s(NETWORK, "Bearer next") == 0
    assert len(backoff._failed) == SIZE


def test_no_limit_means_no_pause(now: Now) -> None:
    backoff = Backoff(None, now)
    fail(backoff, 1000)
    assert backoff.pause_s(NETWORK, "Bearer wrong") == 0

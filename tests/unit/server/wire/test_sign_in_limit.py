"""The limit of calls that sign people in, for callers without an edge (contract row C-47)."""

from ipaddress import ip_address

import pytest

from server.environment import Environment, Rate, SettingsError
from server.wire import sign_in_limit
from server.wire.faults import TooManyRequests
from server.wire.sign_in_limit import SignInLimit

ADA, BOB = ip_address("192.0.2.1"), ip_address("192.0.2.2")


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def limit_of(most: int, clock: Clock | None = None) -> SignInLimit:
    return SignInLimit(Rate(most, 60), clock or Clock())


def test_an_address_has_its_number_of_calls_in_a_window() -> None:
    clock = Clock()
    limit = limit_of(2, clock)
    for _ in range(2):
        limit.count(ADA)
    clock.s += 50
    with pytest.raises(TooManyRequests) as refused:
        limit.count(ADA)
    assert refused.value.metadata == {"limit": "2", "retry_after": "10"}
    limit.count(BOB)
    clock.s += 10
    limit.count(ADA)


def test_addresses_of_one_ipv6_network_are_one_caller() -> None:
    limit = limit_of(1)
    limit.count(ip_address("2001:db8::1"))
    with pytest.raises(TooManyRequests):
        limit.count(ip_address("2001:db8::ffff:2"))
    limit.count(ip_address("2001:db8:0:1::1"))


def test_unknown_addresses_are_one_caller() -> None:
    limit = limit_of(1)
    limit.count(None)
    with pytest.raises(TooManyRequests):
        limit.count(None)


def test_many_addresses_take_bounded_memory_and_are_limited_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limit, "_CALLERS", 10)
    monkeypatch.setattr(sign_in_limit, "_SHARED", 5)
    limit = limit_of(20)
    refused = 0
    for number in range(1_000):
        try:
            limit.count(ip_address(0x0A000000 + number))
        except TooManyRequests:
            refused += 1
    assert len(limit._counts) <= 15
    assert refused >= 1_000 - 10 - 5 * 20


@pytest.mark.parametrize(
    ("text", "rate"),
    [("", Rate(10, 60)), ("3/minute", Rate(3, 60)), ("5/hour", Rate(5, 3600)), ("off", None)],
)
def test_setting_is_a_rate_or_off(text: str, rate: Rate | None) -> None:
    assert Environment({"ZIDIMAIL_AUTH_IP_LIMIT": text}).rate("AUTH_IP_LIMIT", "10/minute") == rate


@pytest.mark.parametrize("text", ["often", "0/minute", "5/minute;1/second", "-1/minute"])
def test_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="ZIDIMAIL_AUTH_IP_LIMIT"):
        Environment({"ZIDIMAIL_AUTH_IP_LIMIT": text}).rate("AUTH_IP_LIMIT", "10/minute")

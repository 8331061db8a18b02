"""Whose request it is: Z-46, F-7."""

from ipaddress import ip_network

import pytest

from edge.visitors import Visitors

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def scope(client: str | None, *forwarded: bytes) -> dict[str, object]:
    headers = [(b"host", b"edge"), *((b"x-forwarded-for", value) for value in forwarded)]
    return {"client": None if client is None else (client, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("client", "address", "network"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        (None, "", ""),
        ("", "", ""),
    ],
)
def test_a_visitor_is_an_address_and_of_ipv6_a_network(client: str, address: str, network: str) -> None:
    assert Visitors().of(scope(client)) == (address, network)


@pytest.mark.parametrize("forwarded", [b"192.0.2.1", b"192.0.2.1, 10.0.0.1", b"nonsense"])
def test_what_anybody_can_write_counts_for_nothing(forwarded: bytes) -> None:
    assert Visitors().of(scope("203.0.113.9", forwarded)).address == "203.0.113.9"
    assert Visitors(PROXIES).of(scope("203.0.113.9", forwarded)).address == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ([b"192.0.2.1"], "192.0.2.1"),
        ([b"192.0.2.1:4711"], "192.0.2.1"),
        ([b"2001:db8::1"], "2001:db8::1"),
        ([b"[2001:db8::1]:4711"], "2001:db8::1"),
        ([b"198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        ([b"198.51.100.1", b"192.0.2.1, 10.3.3.3"], "192.0.2.1"),
        ([b"192.0.2.1, 10.3.3.3, fd00::5"], "192.0.2.1"),
        ([b"10.9.9.9"], "10.9.9.9"),
        ([b"192.0.2.1, unknown"], "10.0.0.1"),
        ([b"192.0.2.1, , 10.3.3.3"], "10.3.3.3"),
        ([b"\xff\xfe"], "10.0.0.1"),
        ([b"8.8.8.8, " * 5000 + b"192.0.2.1"], "192.0.2.1"),
        ([b""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_is_believed_whom_it_saw_and_nobody_before(
    forwarded: list[bytes], address: str
) -> None:
    assert Visitors(PROXIES).of(scope("10.0.0.1", *forwarded)).address == address


def test_on_a_socket_file_a_proxy_is_believed_if_that_is_said() -> None:
    visited = scope(None, b"198.51.100.1, 192.0.2.1")
    assert Visitors(PROXIES).of(visited).address == ""
    assert Visitors(socket=True).of(visited).address == "192.0.2.1"
    assert Visitors(PROXIES, socket=True).of(scope(None, b"192.0.2.1, 10.3.3.3")).address == "192.0.2.1"
    assert Visitors(socket=True).of(scope("203.0.113.9", b"192.0.2.1")).address == "203.0.113.9"
    assert Visitors(socket=True).of(scope(None)).address == ""

"""Where a call comes from, and who is believed about it (contract row F-7)."""

from ipaddress import ip_address, ip_network

import pytest

from server.wire.address import client_address

TRUSTED = [ip_network("10.1.0.0/16"), ip_network("2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:40000", "192.0.2.7"),
        ("ipv6:[2001:db8::7]:40000", "2001:db8::7"),
        ("ipv6:%5B2001:db8::7%5D:40000", "2001:db8::7"),
        ("ipv6:[::ffff:192.0.2.7]:40000", "192.0.2.7"),
        ("ipv6:[fe80::1%25eth0]:40000", "fe80::1"),
        ("unix:/run/zidimail.sock", "127.0.0.1"),
        ("unix:", "127.0.0.1"),
    ],
)
def test_a_call_comes_from_the_other_end_of_its_connection(peer: str, address: str) -> None:
    assert client_address(peer, None, TRUSTED) == ip_address(address)


@pytest.mark.parametrize("peer", ["", "vsock:3:5", "ipv4:nowhere:1", "something"])
def test_an_end_that_cannot_be_named_is_nobody(peer: str) -> None:
    assert client_address(peer, "192.0.2.7", TRUSTED) is None


@pytest.mark.parametrize(
    "peer",
    ["ipv4:127.0.0.1:5", "ipv6:[::1]:5", "unix:/s", "ipv4:10.1.2.3:5", "ipv6:[2001:db8:1::2]:5"],
)
def test_an_edge_on_this_machine_or_in_a_trusted_network_is_believed(peer: str) -> None:
    assert client_address(peer, "198.51.100.9", TRUSTED) == ip_address("198.51.100.9")
    assert client_address(peer, b"::ffff:198.51.100.9", TRUSTED) == ip_address("198.51.100.9")


@pytest.mark.parametrize("peer", ["ipv4:192.0.2.7:5", "ipv4:10.2.0.1:5"])
def test_nobody_else_is_believed(peer: str) -> None:
    assert client_address(peer, "127.0.0.1", TRUSTED) == ip_address(peer.split(":")[1])


def test_a_trusted_edge_that_says_nonsense_calls_for_nobody() -> None:
    assert client_address("ipv4:127.0.0.1:5", "localhost", TRUSTED) is None

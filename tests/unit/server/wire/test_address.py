"""The client address of a call (contract rows F-7, C-91)."""

from ipaddress import ip_address

import pytest

from server.wire.address import client_addresses, peer_address


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
def test_peer_is_the_remote_address_of_the_connection(peer: str, address: str) -> None:
    assert peer_address(peer) == ip_address(address)


@pytest.mark.parametrize("peer", ["", "vsock:3:5", "ipv4:nowhere:1", "something"])
def test_a_peer_of_another_kind_has_no_address(peer: str) -> None:
    assert peer_address(peer) is None


@pytest.mark.parametrize(
    ("texts", "addresses"),
    [
        (["198.51.100.9"], ["198.51.100.9"]),
        (["::ffff:198.51.100.9"], ["198.51.100.9"]),
        (["192.0.2.1,192.0.2.2, 2001:db8::1"], ["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        (["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
    ],
)
def test_an_edge_names_one_client_or_several(texts: list[str], addresses: list[str]) -> None:
    assert client_addresses(texts) == [ip_address(address) for address in addresses]


@pytest.mark.parametrize("texts", [[], [""], ["unknown"], ["localhost"]])
def test_a_client_that_the_edge_does_not_know_stays_unknown(texts: list[str]) -> None:
    assert client_addresses(texts) == [None]


def test_an_unknown_client_among_others_is_not_left_out() -> None:
    assert client_addresses(["192.0.2.1,unknown,,192.0.2.2"]) == [
        ip_address("192.0.2.1"),
        None,
        None,
        ip_address("192.0.2.2"),
    ]

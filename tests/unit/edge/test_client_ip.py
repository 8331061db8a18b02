"""The address that a request comes from (Z-46, F-7)."""

from ipaddress import ip_network

import pytest

from edge.client_ip import ClientIps
from edge.transcoding.asgi import Exchange

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def exchange(client: str | None, *forwarded: bytes) -> Exchange:
    headers = [(b"host", b"edge"), *((b"x-forwarded-for", value) for value in forwarded)]
    return Exchange(
        {
            "method": "GET",
            "client": None if client is None else (client, 1234),
            "headers": headers,
        }
    )


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
def test_client_is_its_ipv4_address_or_ipv6_network(client: str, address: str, network: str) -> None:
    assert ClientIps().of(exchange(client)) == (address, network)


@pytest.mark.parametrize("forwarded", [b"192.0.2.1", b"192.0.2.1, 10.0.0.1", b"nonsense"])
def test_x_forwarded_for_is_ignored_unless_a_trusted_proxy_sent_it(forwarded: bytes) -> None:
    assert ClientIps().of(exchange("203.0.113.9", forwarded)).address == "203.0.113.9"
    assert ClientIps(PROXIES).of(exchange("203.0.113.9", forwarded)).address == "203.0.113.9"


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
def test_a_trusted_proxy_is_believed_for_the_last_untrusted_address(
    forwarded: list[bytes], address: str
) -> None:
    assert ClientIps(PROXIES).of(exchange("10.0.0.1", *forwarded)).address == address


def test_a_proxy_on_a_socket_file_is_believed_only_with_the_setting() -> None:
    request = exchange(None, b"198.51.100.1, 192.0.2.1")
    assert ClientIps(PROXIES).of(request).address == ""
    assert ClientIps(socket=True).of(request).address == "192.0.2.1"
    assert ClientIps(PROXIES, socket=True).of(exchange(None, b"192.0.2.1, 10.3.3.3")).address == "192.0.2.1"
    assert ClientIps(socket=True).of(exchange("203.0.113.9", b"192.0.2.1")).address == "203.0.113.9"
    assert ClientIps(socket=True).of(exchange(None)).address == ""

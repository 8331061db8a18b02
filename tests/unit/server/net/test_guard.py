"""Addresses and URLs of customers that the server may connect to (contract rows Z-22, Z-38, C-35)."""

import pytest

from server.net.guard import AddressRefused, UrlRefused, check_addresses, check_url, is_allowed, is_public

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "2001:4860:4860::8888",
    "2001:200::1",
    "3ffe::1",
]

# An address of each kind that must not be reached, and what it would reach.
HOSTILE = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "this host",
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "169.254.169.254": "metadata service",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "metadata service",
    "100.127.255.255": "carrier-grade NAT",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "metadata service",
    "192.0.2.1": "documentation",
    "192.31.196.1": "AS112",
    "192.52.193.1": "AMT",
    "192.88.99.1": "6to4 relay",
    "192.175.48.1": "AS112",
    "198.18.0.1": "benchmarks",
    "198.19.255.255": "benchmarks",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "this host",
    "::1": "loopback",
    "::127.0.0.1": "IPv4-compatible loopback",
    "::8.8.8.8": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped loopback",
    "::ffff:10.0.0.1": "IPv4-mapped private",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "::ffff:0:127.0.0.1": "IPv4-translated",
    "64:ff9b::7f00:1": "NAT64 of loopback",
    "64:ff9b::a9fe:a9fe": "NAT64 of the metadata service",
    "64:ff9b:1::7f00:1": "local NAT64",
    "100::1": "discard",
    "2001::1": "Teredo",
    "2001:0:7f00:1::": "Teredo",
    "2001:2::1": "benchmarks",
    "2001:10::1": "ORCHID",
    "2001:20::1": "ORCHIDv2",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4 of loopback",
    "2002:a9fe:a9fe::": "6to4 of the metadata service",
    "2620:4f:8000::1": "AS112",
    "3fff::1": "documentation",
    "4000::1": "not given out",
    "5f00::1": "segment routing",
    "fc00::1": "unique local",
    "fd00:ec2::254": "metadata service",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "2606:4700::1%eth0": "with a zone",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
}
NO_ADDRESS = ["", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.2.3.4 ", "1.2.3", "::g"]


@pytest.mark.parametrize("address", PUBLIC)
def test_hosts_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
    assert is_allowed(address, allow_private_networks=False)


@pytest.mark.parametrize(("address", "kind"), HOSTILE.items())
def test_no_special_address_is_public(address: str, kind: str) -> None:
    assert not is_public(address), kind
    assert not is_allowed(address, allow_private_networks=False), kind


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_invalid_address_is_not_public(text: str) -> None:
    assert not is_public(text)
    assert not is_allowed(text, allow_private_networks=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "fd00::1"])
def test_private_networks_are_reached_if_the_operator_allows_it(address: str) -> None:
    assert is_allowed(address, allow_private_networks=True)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "64:ff9b::7f00:1"]
)
def test_metadata_services_are_never_reachable(address: str) -> None:
    assert not is_allowed(address, allow_private_networks=True)


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    check_addresses("a.example.com", ["1.1.1.1", "2606:4700::1"], allow_private_networks=False)
    with pytest.raises(AddressRefused, match=r"a\.example\.com has the address 10\.0\.0\.1"):
        check_addresses("a.example.com", ["1.1.1.1", "10.0.0.1"], allow_private_networks=False)


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://hooks.example.com/zidimail", "https://hooks.example.com/zidimail"),
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("HTTPS://Hooks.Example.COM/Path?Query=1&b=%20", "https://hooks.example.com/Path?Query=1&b=%20"),
        ("https://hooks.example.com?token=a", "https://hooks.example.com/?token=a"),
        ("https://hooks.example.com:443/a", "https://hooks.example.com/a"),
        ("https://hooks.example.com:8443/a", "https://hooks.example.com:8443/a"),
        ("https://hooks.example.com:/a", "https://hooks.example.com/a"),
        ("https://hooks.example.com./a", "https://hooks.example.com/a"),
        ("https://bücher.example.com/a", "https://xn--bcher-kva.example.com/a"),
        ("https://xn--bcher-kva.example.com/a", "https://xn--bcher-kva.example.com/a"),
        ("https://r3---sn.example.com/", "https://r3---sn.example.com/"),
        ("https://1.1.1.1/a", "https://1.1.1.1/a"),
        ("https://[2606:4700:4700::1111]:8443/a", "https://[2606:4700:4700::1111]:8443/a"),
        ("https://a.example.com/@user:8080/x", "https://a.example.com/@user:8080/x"),
        ("https://a.example.com/?to=http://127.0.0.1/", "https://a.example.com/?to=http://127.0.0.1/"),
    ],
)
def test_valid_url_is_parsed(url: str, called: str) -> None:
    assert check_url(url, allow_private_networks=False) == called


HOSTILE_URLS = [
    # other schemes, or none
    ("", "https://"),
    ("hooks.example.com/a", "https://"),
    ("//hooks.example.com/a", "https://"),
    ("https:/hooks.example.com", "https://"),
    ("https:hooks.example.com", "https://"),
    ("http://hooks.example.com/", "https://"),
    ("ftp://hooks.example.com/", "https://"),
    ("file:///etc/passwd", "https://"),
    ("gopher://hooks.example.com/", "https://"),
    ("javascript://hooks.example.com/", "https://"),
    (" https://hooks.example.com/", "https://"),
    ("https ://hooks.example.com/", "https://"),
    # no host, or one that is none
    ("https://", "host"),
    ("https:///a", "host"),
    ("https://?a", "host"),
    ("https://:443/", "host"),
    ("https://./", "host"),
    ("https://a..example.com/", "host"),
    ("https://-a.example.com/", "host"),
    ("https://a_b.example.com/", "host"),
    ("https://exa mple.com/", "host"),
    ("https://exa\tmple.com/", "host"),
    ("https://exam\nple.com/", "host"),
    ("https://example.com\x00/", "host"),
    ("https://%6c%6f%63alhost.example.com/", "host"),
    ("https://" + "a" * 64 + ".example.com/", "host"),
    ("https://" + "a." * 127 + "example.com/", "host"),
    # who else is meant
    ("https://user@hooks.example.com/", "user name"),
    ("https://user:password@hooks.example.com/", "user name"),
    ("https://hooks.example.com@127.0.0.1/", "user name"),
    ("https://127.0.0.1\\@hooks.example.com/", "backslash"),
    ("https://hooks.example.com\\.evil.test/", "backslash"),
    ("https://hooks.example.com/a#b", "fragment"),
    ("https://hooks.example.com#@127.0.0.1/", "fragment"),
    ("https://hooks.example.com/a b", "blank"),
    ("https://hooks.example.com/a\r\nHost: evil", "control"),
    ("https://hooks.example.com/ä", "unencoded"),
    ("https://hooks.example.com/" + "a" * 2048, "characters"),
    # ports
    ("https://hooks.example.com:80/", "port"),
    ("https://hooks.example.com:25/", "port"),
    ("https://hooks.example.com:6379/", "port"),
    ("https://hooks.example.com:0/", "port"),
    ("https://hooks.example.com:65536/", "port"),
    ("https://hooks.example.com:-1/", "port"),
    ("https://hooks.example.com:443:80/", "host"),
    ("https://hooks.example.com:４４３/", "port"),
    # this host and its neighbours, by name
    ("https://localhost/", "not a public host"),
    ("https://LOCALHOST./", "not a public host"),
    ("https://a.localhost/", "not a public host"),
    ("https://intranet/", "not a public host"),
    ("https://printer.local/", "not a public host"),
    ("https://metadata.google.internal/", "not a public host"),
    ("https://router.home.arpa/", "not a public host"),
    ("https://kubernetes.default.svc.cluster.local/", "not a public host"),
    # and by number
    ("https://127.0.0.1/", "not a public host"),
    ("https://127.0.0.1./", "not a public host"),
    ("https://10.0.0.1:8443/", "not a public host"),
    ("https://169.254.169.254/latest/meta-data/", "not a public host"),
    ("https://0.0.0.0/", "not a public host"),
    ("https://2130706433/", "IPv4"),
    ("https://0x7f000001/", "IPv4"),
    ("https://0x7f.0.0.1/", "IPv4"),
    ("https://017700000001/", "IPv4"),
    ("https://0177.0.0.1/", "IPv4"),
    ("https://127.1/", "IPv4"),
    ("https://127.0.1/", "IPv4"),
    ("https://127.0.0.1.1/", "IPv4"),
    ("https://256.1.1.1/", "IPv4"),
    ("https://1.2.3.0x4/", "IPv4"),
    ("https://example.0x/", "IPv4"),
    ("https://１２７.0.0.1/", "not a public host"),
    ("https://127。0。0。1/", "not a public host"),
    ("https://①②⑦.0.0.1/", "not a public host"),
    ("https://[::1]/", "not a public host"),
    ("https://[::ffff:127.0.0.1]/", "not a public host"),
    ("https://[::ffff:7f00:1]/", "not a public host"),
    ("https://[64:ff9b::7f00:1]/", "not a public host"),
    ("https://[fd00:ec2::254]/", "not a public host"),
    ("https://[fe80::1%25eth0]/", "IPv6"),
    ("https://[2606:4700::1%eth0]/", "IPv6"),
    ("https://[127.0.0.1]/", "IPv6"),
    ("https://[::1/", "IPv6"),
    ("https://[::1]a/", "IPv6"),
    ("https://::1/", "host"),
]


@pytest.mark.parametrize(("url", "word"), HOSTILE_URLS)
def test_hostile_url_is_refused_with_a_reason(url: str, word: str) -> None:
    with pytest.raises(UrlRefused, match=word):
        check_url(url, allow_private_networks=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/hook",
        "http://127.0.0.1:34567/hook",
        "https://intranet/hook",
        "http://[::1]:80/hook",
        "http://hooks.example.com/hook",
    ],
)
def test_private_hosts_are_called_if_the_operator_allows_it(url: str) -> None:
    assert check_url(url, allow_private_networks=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1/#a",
        "file:///etc/passwd",
        "http://127.0.0.1:0/",
    ],
)
def test_forbidden_hosts_are_refused_even_if_private_networks_are_allowed(url: str) -> None:
    with pytest.raises(UrlRefused):
        check_url(url, allow_private_networks=True)

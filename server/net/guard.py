"""Protection against server-side request forgery: the addresses and URLs that customers may name.

Addresses are compared as numbers, never as text, and checked again for every connection: a name can have
other addresses at each look-up.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import idna

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_CHARS = 2048
_PUBLIC_PORTS = frozenset({443, 8443})
_DEFAULT_PORTS = {"https": 443, "http": 80}

# The only part of IPv6 for public hosts (IANA, IPv6 address space). Addresses that embed an IPv4 address are
# outside of it (mapped, compatible, NAT64) or listed below (6to4, Teredo), as are its reserved parts:
# `is_global` of the standard library calls several of them public.
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carriers' address translation (RFC 6598)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4: holds an IPv4 address (RFC 3056)
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation (RFC 9637)
    )
]
# The networks that `ZIDIMAIL_ALLOW_PRIVATE_NETWORKS` allows. Link-local is not among them: clouds serve
# credentials there.
_PRIVATE = [
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
]
# Names that are never public (RFC 6761, RFC 6762, RFC 8375, RFC 7686, ICANN's reservation of `internal`).
_PRIVATE_SUFFIXES = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "test",
    "invalid",
    "onion",
)
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


# All that a caller hears of a private target. An address, or another word for each kind of target, would let
# callers map the operator's network by its names.
NOT_PUBLIC = "not a public host"


class AddressRefused(OSError):
    """The address may not be connected to; the message names it, for the log alone."""


class UrlRefused(ValueError):
    """The URL may not be called; the message says what must change, and names no host and no address."""


def is_public(address: str | IPAddress) -> bool:
    """True for the IP address of a public host. False for any other text, and for an address with a zone."""
    ip = _parsed(address)
    if ip is None or (ip.version == 6 and ip not in _IPV6_UNICAST):
        return False
    return not _within(ip, _NOT_PUBLIC)


def is_allowed(address: str | IPAddress, *, allow_private_networks: bool) -> bool:
    """True if a connection to an IP address may be made."""
    ip = _parsed(address)
    return ip is not None and (is_public(ip) or (allow_private_networks and _within(ip, _PRIVATE)))


def check_addresses(host: str, addresses: Iterable[str], *, allow_private_networks: bool) -> None:
    """Raises `AddressRefused` if any of a host's addresses is refused: public hosts have no private ones."""
    for address in addresses:
        if not is_allowed(address, allow_private_networks=allow_private_networks):
            raise AddressRefused(f"{host} has the address {address}, which is not a public one")


def check_url(url: str, *, allow_private_networks: bool) -> str:
    """The URL in canonical form: lower-case scheme, host as A-labels, no default port.

    A public URL has the scheme `https`, port 443 or 8443, and a host name with a dot or a public IP address.
    With `allow_private_networks`, `http`, all ports and all hosts are allowed too. Raises `UrlRefused`.
    """
    if len(url) > MAX_URL_CHARS:
        raise UrlRefused(f"must have at most {MAX_URL_CHARS} characters")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise UrlRefused("must begin with https://")
    if scheme == "http" and not allow_private_networks:
        raise UrlRefused("must begin with https://: the call must not be readable on its way")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    # Parsers differ: some drop control characters, some read a backslash as a slash. Such URLs are refused,
    # so that the HTTP client cannot read another host than this function.
    if "\\" in url or _UNPRINTABLE.search(tail):
        raise UrlRefused("must not hold blanks, control characters, backslashes or unencoded letters")
    if "#" in tail:
        raise UrlRefused("must not have a fragment (#…): it is never sent")
    if "@" in authority:
        raise UrlRefused("must not hold a user name or password")
    host, port = _host_and_port(authority)
    host = _checked_host(host, allow_private_networks=allow_private_networks)
    port = _DEFAULT_PORTS[scheme] if port is None else port
    if not allow_private_networks and port not in _PUBLIC_PORTS:
        raise UrlRefused("must use port 443 or 8443")
    shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{shown_port}{tail if tail.startswith('/') else '/' + tail}"


def host_of(url: str) -> str:
    """The host of a URL that `check_url` returned, without the brackets of an IPv6 address."""
    return urlsplit(url).hostname or ""


def _host_and_port(authority: str) -> tuple[str, int | None]:
    host, port = authority, ""
    if authority.startswith("["):
        host, bracket, after = authority.partition("]")
        host += bracket
        if not bracket or (after and not after.startswith(":")):
            raise UrlRefused("has a host that is no IPv6 address")
        port = after[1:]
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise UrlRefused("has a port that is no number from 1 to 65535")
    return host, int(port) if port else None


def _checked_host(host: str, *, allow_private_networks: bool) -> str:
    if not host:
        raise UrlRefused("must name a host")
    if host.startswith("["):
        ip = _parsed(host[1:-1])
        if ip is None or ip.version != 6:
            raise UrlRefused("has a host that is no IPv6 address")
        return f"[{_allowed_literal(ip, allow_private_networks)}]"
    name = _a_label(host)
    labels = name.split(".")
    if _NUMBER.match(labels[-1]):
        # Most programs read a name that ends in a number as an IPv4 address: octal, hexadecimal or shortened.
        ip = _parsed(name)
        if ip is None:
            raise UrlRefused("has a host that is no plain IPv4 address: write it as four decimal numbers")
        return _allowed_literal(ip, allow_private_networks)
    if not allow_private_networks and (len(labels) == 1 or _is_private_name(name)):
        raise UrlRefused(f"has a host that is {NOT_PUBLIC}")
    return name


def _a_label(host: str) -> str:
    name = host.lower()
    if not name.isascii():
        try:
            name = idna.encode(host, uts46=True, std3_rules=True).decode()
        except (idna.IDNAError, UnicodeError):
            name = ""
    name = name.removesuffix(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in name.split(".")):
        raise UrlRefused("has a host that is no host name")
    return name


def _is_private_name(name: str) -> bool:
    return any(name == suffix or name.endswith("." + suffix) for suffix in _PRIVATE_SUFFIXES)


def _allowed_literal(ip: IPAddress, allow_private_networks: bool) -> str:
    if not is_allowed(ip, allow_private_networks=allow_private_networks):
        raise UrlRefused(f"has a host that is {NOT_PUBLIC}")
    return str(ip)


def _parsed(address: str | IPAddress) -> IPAddress | None:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return None if ip.version == 6 and ip.scope_id is not None else ip


def _within(ip: IPAddress, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(ip in network for network in networks)

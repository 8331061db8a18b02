"""The client address of a call, for keys that are bound to networks (contract rows F-7, C-91)."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LOOPBACK = IPv4Address("127.0.0.1")


def peer_address(peer: str) -> Address | None:
    """The address of the peer of a connection; None if it is unknown.

    `peer` is in gRPC's form: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, `unix:/path`. The peer of a Unix socket has
    the address 127.0.0.1.
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind == "unix":
        return _LOOPBACK
    if kind not in ("ipv4", "ipv6"):
        return None
    return _address(rest.rpartition(":")[0].strip("[]"))


def client_addresses(texts: Iterable[str]) -> list[Address | None]:
    """The clients for which an edge calls, from lists with commas; None for each unknown one.

    Without any address there is one client, which is unknown.
    """
    return [_address(part.strip()) for text in texts for part in text.split(",")] or [None]


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket has IPv4 peers as IPv4-mapped IPv6 addresses.
    return getattr(address, "ipv4_mapped", None) or address

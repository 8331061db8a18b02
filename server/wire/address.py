"""Where a call comes from, for keys that may only be used from some networks (contract rows F-7, C-91)."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HERE = IPv4Address("127.0.0.1")


def peer_address(peer: str) -> Address | None:
    """The address of the other end of a connection; None if it has none that we know.

    `peer` is in gRPC's form: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, `unix:/path`. A socket in the file system has
    this machine's own address.
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind == "unix":
        return _HERE
    if kind not in ("ipv4", "ipv6"):
        return None
    return _address(rest.rpartition(":")[0].strip("[]"))


def named_addresses(texts: Iterable[str]) -> list[Address | None]:
    """The clients that an edge calls for, from lists with commas; None for each that it does not know.

    An edge that names none does not know its client.
    """
    return [_address(part.strip()) for text in texts for part in text.split(",")] or [None]


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A socket of both families shows IPv4 addresses in the form of IPv6.
    return getattr(address, "ipv4_mapped", None) or address

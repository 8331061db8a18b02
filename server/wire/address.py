"""Where a call comes from, for keys that may only be used from some networks (contract row F-7)."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# By which an edge tells for whom it calls.
CLIENT_KEY = "x-client-ip"
_HERE = IPv4Address("127.0.0.1")


def client_address(peer: str, told: str | bytes | None, trusted: Iterable[Network]) -> Address | None:
    """The address that a call comes from; None if nobody can say.

    `peer` is what gRPC calls the other end (`ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, `unix:/path`), `told` what it
    says of the client that it calls for. Only an edge on this machine or in a trusted network is believed:
    anybody else who reaches the port could say anything.
    """
    end = peer_address(peer)
    if end is None or not told:
        return end
    if not end.is_loopback and not any(end in network for network in trusted):
        return end
    return _address(told if isinstance(told, str) else told.decode("latin-1"))


def peer_address(peer: str) -> Address | None:
    """The address of the other end of a connection; this machine's own for a socket in the file system."""
    kind, _, rest = unquote(peer).partition(":")
    if kind == "unix":
        return _HERE
    if kind not in ("ipv4", "ipv6"):
        return None
    return _address(rest.rpartition(":")[0].strip("[]"))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A socket of both families shows IPv4 addresses in the form of IPv6.
    return getattr(address, "ipv4_mapped", None) or address

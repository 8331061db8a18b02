"""The address that a request comes from: that of its connection, or the one that a trusted proxy names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from edge.transcoding.asgi import Exchange

# Bits of an IPv6 address that name a client: of the others a single host has as many as it likes.
IPV6_PREFIX = 64
# Of X-Forwarded-For the last ones count: proxies append to it, callers may begin it.
FORWARDED_CHARACTERS = 2048


class ClientIp(NamedTuple):
    """An address, and the network that its requests are counted under; empty on a local socket."""

    address: str
    network: str


UNKNOWN = ClientIp("", "")


class ClientIps:
    """Finds the client's address. X-Forwarded-For counts only where a trusted proxy sent it."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network] = (), *, socket: bool = False) -> None:
        """`trusted` are the networks of proxies; `socket` trusts every peer on a socket file."""
        self._trusted = trusted
        self._socket = socket

    def of(self, exchange: Exchange) -> ClientIp:
        """The client of a request."""
        host = exchange.peer
        if not host:
            return self._forwarded(exchange, UNKNOWN) if self._socket else UNKNOWN
        peer = client_ip(host)
        if not self._trusted or not self._is_trusted(peer):
            return peer
        return self._forwarded(exchange, peer)

    def _forwarded(self, exchange: Exchange, peer: ClientIp) -> ClientIp:
        """The client that a trusted peer names."""
        forwarded = b",".join(exchange.values(b"x-forwarded-for"))
        # From the right: the entries left of the last trusted proxy may have been written by anyone.
        client = peer
        for entry in reversed(forwarded[-FORWARDED_CHARACTERS:].decode("latin-1").split(",")):
            try:
                client = client_ip(_without_port(entry.strip()))
            except ValueError:
                break
            if not self._is_trusted(client):
                break
        return client

    def _is_trusted(self, client: ClientIp) -> bool:
        address = ip_address(client.address)
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=8192)
def client_ip(host: str) -> ClientIp:
    """The client at an address, which may be an IPv4 address in IPv6. Raises ValueError."""
    address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv4Address):
        return ClientIp(str(address), str(address))
    if address.ipv4_mapped is not None:
        return ClientIp(str(address.ipv4_mapped), str(address.ipv4_mapped))
    return ClientIp(str(address), str(IPv6Network((address, IPV6_PREFIX), strict=False)))


def _without_port(entry: str) -> str:
    """The address of `1.2.3.4`, `1.2.3.4:56`, `::1` and `[::1]:56`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry

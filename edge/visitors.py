"""Where a request comes from: the address of its connection, or the one that a trusted proxy names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from edge.transcoding.asgi import Scope

IPV6_PREFIX = 64
"""Bits of an IPv6 address that name a visitor: of the others a single host has as many as it likes."""

FORWARDED_CHARACTERS = 2048
"""Of X-Forwarded-For the last ones count: proxies append to it, callers may begin it."""


class Visitor(NamedTuple):
    """Its address, and the network that its requests are counted under; empty on a local socket."""

    address: str
    network: str


NOWHERE = Visitor("", "")


class Visitors:
    """Tells visitors apart. Proxies in the `trusted` networks are believed what they say of others."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network] = (), *, socket: bool = False) -> None:
        """`socket` trusts whoever connects to a socket file."""
        self._trusted = trusted
        self._socket = socket

    def of(self, scope: Scope) -> Visitor:
        """Whose request this is."""
        client: tuple[str, int] | None = scope.get("client")
        if client is None or not client[0]:
            return self._named_by(scope, NOWHERE) if self._socket else NOWHERE
        peer = _visitor(client[0])
        if not self._trusted or not self._is_trusted(peer):
            return peer
        return self._named_by(scope, peer)

    def _named_by(self, scope: Scope, peer: Visitor) -> Visitor:
        """Whom a trusted peer names."""
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        # From the right: what stands left of the last trusted proxy anybody may have written.
        visitor = peer
        for entry in reversed(forwarded[-FORWARDED_CHARACTERS:].decode("latin-1").split(",")):
            try:
                visitor = _visitor(_without_port(entry.strip()))
            except ValueError:
                break
            if not self._is_trusted(visitor):
                break
        return visitor

    def _is_trusted(self, visitor: Visitor) -> bool:
        address = ip_address(visitor.address)
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=8192)
def _visitor(host: str) -> Visitor:
    """The visitor at an address. Raises ValueError."""
    address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv4Address):
        return Visitor(str(address), str(address))
    if address.ipv4_mapped is not None:
        return Visitor(str(address.ipv4_mapped), str(address.ipv4_mapped))
    return Visitor(str(address), str(IPv6Network((address, IPV6_PREFIX), strict=False)))


def _without_port(entry: str) -> str:
    """The address of `1.2.3.4`, `1.2.3.4:56`, `::1` and `[::1]:56`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry

"""Connections to checked addresses, and the last step before a request is written to one."""

import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from server.net.dns import DnsTemporaryError, NxDomain
from server.net.guard import AddressRefused, check_addresses, is_allowed
from server.net.metering import MeteredConnector

# Awaited when a request has its connection, just before its first byte. An error of it ends the call.
Begin: TypeAlias = Callable[[], Awaitable[None]]
# The time for which an idle connection is kept for the next call to its host (seconds).
_KEEP_ALIVE_S = 10.0


async def at_once() -> None:
    """Nothing has to be done before the request."""


_begin: ContextVar[Begin] = ContextVar("begin", default=at_once)


@contextmanager
def beginning(begin: Begin) -> Iterator[None]:
    """The requests of this task begin with `begin`."""
    token = _begin.set(begin)
    try:
        yield
    finally:
        _begin.reset(token)


class Request(aiohttp.ClientRequest):
    """A request that begins as `beginning` says: aiohttp has no parameter for it."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """See `ClientRequest`."""
        await _begin.get()()
        return await super().send(conn)


class Addresses(Protocol):
    """Looks up the addresses of a host: `server.net.dns.Resolver`."""

    async def addresses(self, host: str) -> list[str]:
        """Every IPv4 and IPv6 address of `host`. Raises `NxDomain`, `DnsTemporaryError`."""
        ...


def guarded_connector(
    addresses: Addresses, *, allow_private_networks: bool, tls: ssl.SSLContext
) -> aiohttp.TCPConnector:
    """Connects to checked addresses only, even if nobody has checked the URL."""

    def checked_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for one address, after a last check; an IP address in a URL is never looked up."""
        family, kind, protocol, _, address = info
        if not is_allowed(address[0], allow_private_networks=allow_private_networks):
            raise AddressRefused(f"{address[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    return MeteredConnector(
        resolver=_CheckedResolver(addresses, allow_private_networks),
        socket_factory=checked_socket,
        use_dns_cache=False,
        ssl=tls,
        limit=0,
        keepalive_timeout=_KEEP_ALIVE_S,
    )


class _CheckedResolver(AbstractResolver):
    """The checked addresses of a host, for aiohttp."""

    def __init__(self, addresses: Addresses, allow_private_networks: bool) -> None:
        self._addresses = addresses
        self._allow_private_networks = allow_private_networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._addresses.addresses(host)
        except NxDomain:
            raise LookUpFailed(f"the name {host} does not exist") from None
        except DnsTemporaryError as error:
            raise LookUpFailed(f"the name {host} cannot be looked up now: {error}") from None
        if not found:
            raise LookUpFailed(f"the name {host} has no address")
        check_addresses(host, found, allow_private_networks=self._allow_private_networks)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Does nothing: the resolver is shared."""


class LookUpFailed(OSError):
    """The addresses of a host could not be looked up; the message says why."""

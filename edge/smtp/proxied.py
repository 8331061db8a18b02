"""Connections through a load balancer, which begin with a PROXY header and go on as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog

from edge.client_ip import UNKNOWN, ClientIp, client_ip
from edge.smtp.connection import HEAD_S, Connection, client_of
from edge.smtp.proxy import HEAD_BYTES, BadHeader, header_of, length_of

_log = structlog.get_logger("edge")


class Proxied(asyncio.BufferedProtocol):
    """Reads the PROXY header and not a byte more: a TLS handshake may follow at once."""

    def __init__(
        self,
        networks: tuple[IPv4Network | IPv6Network, ...],
        connection: Connection,
        gone: Callable[[], None],
    ) -> None:
        """Connections from other networks than these begin at once; `gone` is called if no header came."""
        self._networks = networks
        self._connection = connection
        self._gone = gone
        self._head = bytearray(HEAD_BYTES)
        self._filled = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        client = client_of(transport)
        if self._is_trusted(client):
            self._timer = asyncio.get_running_loop().call_later(HEAD_S, transport.abort)
        else:
            self._begin(client)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._head)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        try:
            if self._filled == HEAD_BYTES == len(self._head):
                self._head = self._head + bytes(length_of(bytes(self._head)))
            if self._filled < len(self._head):
                return
            address = header_of(bytes(self._head))
        except BadHeader:
            _log.warning("a connection of a network in ZIDIMAIL_PROXY_NETWORKS has no PROXY v2 header")
            self._transport.abort()
            return
        self._timer.cancel()
        self._begin(client_ip(address) if address else UNKNOWN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._gone()

    def _is_trusted(self, client: ClientIp) -> bool:
        if not client.address:
            return False
        address = ip_address(client.address)
        return any(address in network for network in self._networks)

    def _begin(self, client: ClientIp) -> None:
        self._transport.pause_reading()
        self._transport.set_protocol(self._connection)
        self._transport.resume_reading()
        self._connection.accept(self._transport, client)

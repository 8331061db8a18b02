"""Connections through a load balancer, which begin with a PROXY header and go on as any other."""

from __future__ import annotations

import asyncio

import structlog

from edge.client_ip import UNKNOWN, client_ip
from edge.smtp.connection import HEAD_S, Connection
from edge.smtp.proxy import HEAD_BYTES, BadHeader, header_of, length_of

_log = structlog.get_logger("edge")


class Proxied(asyncio.BufferedProtocol):
    """Reads the PROXY header and not a byte more: the handshake of TLS may follow at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._head = bytearray(HEAD_BYTES)
        self._filled = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(HEAD_S, transport.abort)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._head)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        try:
            if self._filled == HEAD_BYTES == len(self._head):
                # The event loop may still hold a view of the one before.
                self._head = self._head + bytes(length_of(bytes(self._head)))
            if self._filled < len(self._head):
                return
            address = header_of(bytes(self._head))
        except BadHeader:
            _log.warning("a connection of a network in ZIDIMAIL_PROXY_NETWORKS has no PROXY v2 header")
            self._transport.abort()
            return
        self._timer.cancel()
        self._transport.pause_reading()
        self._transport.set_protocol(self._connection)
        self._transport.resume_reading()
        self._connection.accept(self._transport, client_ip(address) if address else UNKNOWN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._connection.connection_lost(exc)

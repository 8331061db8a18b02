"""A listening socket: what each connection begins with, a PROXY header, TLS or the greeting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog

from edge.client_ip import client_ip
from edge.smtp.connection import HEAD_S, Connection
from edge.smtp.proxied import Proxied
from edge.smtp.relay import Relay

# Connections that the system holds until they are accepted.
BACKLOG = 1024
# Seconds until a failed accept is tried again: the process has no file left for it.
PAUSE_S = 0.1

_log = structlog.get_logger("edge")


class Listener:
    """Accepts connections. The loop's own server would read before it is known what they begin with."""

    def __init__(
        self,
        address: str,
        relay: Relay,
        networks: Sequence[IPv4Network | IPv6Network],
        made: Callable[[Connection], bool],
        gone: Callable[[Connection], None],
        *,
        implicit_tls: bool,
    ) -> None:
        """Connections from `networks` begin with a PROXY header. `made` is called with each new connection,
        and says if it may stay; `gone` when it has ended. Raises OSError."""
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server(
            (host, int(port)), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::"
        )
        self._socket.setblocking(False)
        self._relay = relay
        self._networks = networks
        self._made = made
        self._gone = gone
        self._implicit_tls = implicit_tls
        self._handshakes: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Accepts until it is cancelled; then nothing listens any more."""
        loop = asyncio.get_running_loop()
        with self._socket:
            while True:
                try:
                    accepted, peer = await loop.sock_accept(self._socket)
                except OSError as error:
                    _log.warning("a connection was not accepted", error=str(error))
                    await asyncio.sleep(PAUSE_S)
                    continue
                task = loop.create_task(self._connect(accepted, peer[0]))
                self._handshakes.add(task)
                task.add_done_callback(self._handshakes.discard)

    async def _connect(self, accepted: socket.socket, peer: str) -> None:
        client = client_ip(peer)
        address = ip_address(client.address)
        is_proxied = any(address in network for network in self._networks)
        connection = Connection(self._relay, self._gone, starts_tls=is_proxied and self._implicit_tls)
        if not self._made(connection):
            accepted.close()
            return
        protocol = Proxied(connection) if is_proxied else connection
        tls = None
        if self._implicit_tls and not is_proxied:
            assert self._relay.certificate is not None
            tls = self._relay.certificate.context()
            # The handshake takes a place of the client's, who could not read a reply in clear.
            if connection.take_place(client) is not None:
                accepted.close()
                self._gone(connection)
                return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else HEAD_S,
            )
        except OSError as error:
            # The client has left, or speaks no TLS.
            _log.info("a connection did not begin", error=type(error).__name__)
            accepted.close()
            connection.connection_lost(error)

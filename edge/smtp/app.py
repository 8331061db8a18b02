"""The relay: the one place that puts its parts together, and its listening sockets."""

from __future__ import annotations

import asyncio
from functools import partial

from edge.channel import Channel
from edge.smtp.backoff import Backoff
from edge.smtp.clients import Clients
from edge.smtp.connection import Connection, Relay
from edge.smtp.proxied import Proxied
from edge.smtp.send import Server
from edge.smtp.session import Shared
from edge.smtp.settings import Settings
from edge.smtp.tls import Certificate

# Connections that the system holds until they are accepted.
BACKLOG = 1024


class App:
    """The relay's program, from its start to its end."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError if the certificate cannot be used."""
        self._settings = settings
        self._channel = Channel(settings.server, settings.secret, settings.server_tls)
        self._relay = Relay(
            Shared(settings, Server(self._channel, settings), Backoff(settings.failed_logins)),
            Clients(settings.connections, settings.connections_per_ip),
            None if settings.certificate is None else Certificate(*settings.certificate),
        )
        self._connections: set[Connection] = set()
        self._is_empty = asyncio.Event()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serves until `stop`, then until the open transactions have ended. Raises OSError."""
        async with self._channel:
            servers = [await self._listen(self._settings.listen, implicit_tls=False)]
            if self._settings.listen_tls is not None:
                servers.append(await self._listen(self._settings.listen_tls, implicit_tls=True))
            await stop.wait()
            for server in servers:
                server.close()
            await self._drain()

    async def _listen(self, address: str, *, implicit_tls: bool) -> asyncio.Server:
        host, _, port = address.rpartition(":")
        connect = partial(self._connection, implicit_tls=implicit_tls)
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            connect, host.strip("[]"), int(port), reuse_address=True, backlog=BACKLOG
        )

    def _connection(self, *, implicit_tls: bool) -> asyncio.BaseProtocol:
        connection = Connection(self._relay, self._left, implicit_tls=implicit_tls)
        self._connections.add(connection)
        if not self._settings.proxies:
            return connection
        return Proxied(self._settings.proxies, connection, partial(self._left, connection))

    def _left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._is_empty.set()

    async def _drain(self) -> None:
        if not self._connections:
            return
        self._is_empty.clear()
        for connection in tuple(self._connections):
            connection.stop()
        try:
            async with asyncio.timeout(self._settings.drain_s):
                await self._is_empty.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()

"""The relay: the one place that puts its parts together."""

from __future__ import annotations

import asyncio

from edge.channel import Channel
from edge.smtp.backoff import Backoff
from edge.smtp.clients import Clients
from edge.smtp.connection import Connection
from edge.smtp.listener import Listener
from edge.smtp.relay import Relay
from edge.smtp.send import Server
from edge.smtp.session import Shared
from edge.smtp.settings import Settings
from edge.smtp.tls import Certificate

# Connections beyond the limit that may be under way: each hears that it is one too many.
REFUSED_AT_ONCE = 256


class App:
    """The relay's program, from its start to its end."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError if the certificate cannot be used, OSError if an address cannot."""
        self._settings = settings
        self._channel = Channel(settings.server, settings.secret, settings.server_tls)
        relay = Relay(
            Shared(settings, Server(self._channel, settings), Backoff(settings.failed_logins)),
            Clients(settings.connections, settings.connections_per_ip),
            None if settings.certificate is None else Certificate(*settings.certificate),
        )
        addresses = {settings.listen: False}
        if settings.listen_tls is not None:
            addresses[settings.listen_tls] = True
        self._listeners = [
            Listener(address, relay, settings.proxies, self._made, self._gone, implicit_tls=implicit_tls)
            for address, implicit_tls in addresses.items()
        ]
        self._connections: set[Connection] = set()
        self._is_empty = asyncio.Event()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serves until `stop`, then until the open transactions have ended."""
        async with self._channel:
            tasks = [asyncio.create_task(listener.serve()) for listener in self._listeners]
            await stop.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._drain()

    def _made(self, connection: Connection) -> bool:
        if len(self._connections) >= self._settings.connections + REFUSED_AT_ONCE:
            return False
        self._connections.add(connection)
        return True

    def _gone(self, connection: Connection) -> None:
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

"""An SMTP connection: it sends commands and receives replies, with a timeout for every wait."""

import asyncio
import ssl
from typing import cast

from server.delivery.smtp.replies import Reply, ReplyReader
from server.net.failures import system_text

# More replies than this at once belong to no command.
_MAX_WAITING_REPLIES = 256


class ConnectionLost(Exception):
    """The connection is closed, or the server broke the protocol; the message gives the reason."""


class SmtpConnection(asyncio.Protocol):
    """An open connection. `failure` is the reason of its end, and the next wait raises it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: list[Reply] = []
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self.failure = ""

    @property
    def is_idle(self) -> bool:
        """True if the connection is open and no unexpected reply is waiting."""
        return not self.failure and not self._replies and not self._transport.is_closing()

    @property
    def early_reply(self) -> Reply | None:
        """A reply that the server sent without a command, None for none."""
        return self._replies[0] if self._replies else None

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._replies += self._reader.feed(data)
        if self._reader.problem:
            self.end(self._reader.problem)
        elif len(self._replies) > _MAX_WAITING_REPLIES:
            self.end("more replies than commands")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.end(
            f"connection lost: {system_text(exc, 'it was closed')}"
            if exc is not None
            else "connection closed by the other side"
        )

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def end(self, reason: str) -> None:
        """Aborts the connection; the first reason given stays."""
        if not self.failure:
            self.failure = reason
            self._transport.abort()
        self._wake()

    def quit(self) -> None:
        """Sends QUIT and closes the connection without waiting for the reply."""
        if not self.failure and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Sends bytes; on a lost connection it does nothing, and the next wait raises."""
        if not self.failure:
            self._transport.write(data)

    async def drained(self, timeout_s: float) -> None:
        """Waits until there is space to write, or a reply. Raises `ConnectionLost`, also at the timeout."""
        if self._paused and not self.failure and not self._replies:
            self._writable = self._loop.create_future()
            await self._wait(self._writable, self._loop.time(), timeout_s)
        if self.failure:
            raise ConnectionLost(self.failure)

    async def heard(self) -> None:
        """Reads what has arrived: a write that fails on a closed connection would discard it."""
        for _ in range(2):  # the loop looks at the sockets in the first turn, and reads in the second
            await asyncio.sleep(0)

    async def reply(self, timeout_s: float) -> Reply:
        """The next reply. Raises `ConnectionLost`."""
        # The limit of the whole reply: a host that sends a byte now and then must not hold the slot for ever.
        began = self._loop.time()
        while not self._replies:
            if self.failure:
                raise ConnectionLost(self.failure)
            self._waiter = self._loop.create_future()
            await self._wait(self._waiter, began, timeout_s)
        return self._replies.pop(0)

    async def command(self, line: bytes, timeout_s: float) -> Reply:
        """The reply to a command. Raises `ConnectionLost`."""
        self.write(line + b"\r\n")
        return await self.reply(timeout_s)

    async def start_tls(self, context: ssl.SSLContext, name: str, timeout_s: float) -> None:
        """Starts TLS after the reply to STARTTLS. Raises OSError, which includes `ssl.SSLError`."""
        # Whatever came in clear behind the reply may be an attacker's (RFC 3207 section 4.2).
        self._reader = ReplyReader()
        self._replies.clear()
        transport = await self._loop.start_tls(
            self._transport, self, context, server_hostname=name, ssl_handshake_timeout=timeout_s
        )
        if transport is None:
            raise ConnectionResetError("the connection was closed")
        self._transport = transport

    def _wake(self) -> None:
        for waiter in (self._waiter, self._writable):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    async def _wait(self, waiter: asyncio.Future[None], began: float, timeout_s: float) -> None:
        timer = self._loop.call_at(began + timeout_s, self.end, f"no reply within {timeout_s:g} s")
        try:
            await waiter
        finally:
            timer.cancel()

"""An SMTP connection: lines out and replies in, with a time limit on every wait."""

import asyncio
import ssl
from typing import cast

from server.delivery.smtp.replies import Reply, ReplyReader

# More replies than this at once belong to no command.
_MAX_WAITING_REPLIES = 256


class ConnectionLost(Exception):
    """No reply will come: the connection is closed or makes no sense. The message says why."""


class SmtpConnection(asyncio.Protocol):
    """An open connection. Whatever ends it is noted in `failure`, and raised by the next wait."""

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
        """Whether the connection is open and no reply came without a command."""
        return not self.failure and not self._replies and not self._transport.is_closing()

    @property
    def early_reply(self) -> Reply | None:
        """A reply that came before it was due."""
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
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.end(f"connection lost: {exc}" if exc is not None else "connection closed by the other side")

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def end(self, reason: str) -> None:
        """Breaks the connection off at once; the first reason given stays."""
        if not self.failure:
            self.failure = reason
            self._transport.abort()
        for waiter in (self._waiter, self._writable):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def quit(self) -> None:
        """Says goodbye and closes, without waiting for an answer."""
        if not self.failure and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Sends bytes, or drops them if the connection is lost: the next wait raises."""
        if not self.failure:
            self._transport.write(data)

    async def drained(self, timeout_s: float) -> None:
        """Waits until the other side takes more. Raises `ConnectionLost` when it does not."""
        if self._paused and not self.failure:
            self._writable = self._loop.create_future()
            await self._wait(self._writable, timeout_s)
        if self.failure:
            raise ConnectionLost(self.failure)

    async def reply(self, timeout_s: float) -> Reply:
        """The next reply. Raises `ConnectionLost`."""
        while not self._replies:
            if self.failure:
                raise ConnectionLost(self.failure)
            self._waiter = self._loop.create_future()
            await self._wait(self._waiter, timeout_s)
        return self._replies.pop(0)

    async def command(self, line: bytes, timeout_s: float) -> Reply:
        """The reply to a command. Raises `ConnectionLost`."""
        self.write(line + b"\r\n")
        return await self.reply(timeout_s)

    async def start_tls(self, context: ssl.SSLContext, name: str, timeout_s: float) -> None:
        """Goes on under TLS, after the other side agreed. Raises OSError, which includes `ssl.SSLError`."""
        # Whatever came in clear behind the reply may be an attacker's (RFC 3207 section 4.2).
        self._reader = ReplyReader()
        self._replies.clear()
        transport = await self._loop.start_tls(
            self._transport, self, context, server_hostname=name, ssl_handshake_timeout=timeout_s
        )
        if transport is None:
            raise ConnectionResetError("the connection was closed")
        self._transport = transport

    async def _wait(self, waiter: asyncio.Future[None], timeout_s: float) -> None:
        timer = self._loop.call_later(timeout_s, self.end, f"no reply within {timeout_s:g} s")
        try:
            await waiter
        finally:
            timer.cancel()

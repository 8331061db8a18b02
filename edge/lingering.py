"""Closing a connection whose client still sends, so that it can read its last answer first."""

from __future__ import annotations

import asyncio

# Bytes that are read and forgotten after the last answer, and the seconds in which they must come.
LINGER_BYTES = 64 << 20
LINGER_S = 5.0


class LingeringTransport(asyncio.Transport):
    """A transport that, when it is closed, first says that no more is written, and reads on for a while.

    A socket that is closed with unread bytes in it is reset, and with it goes the answer that the client has
    not read yet (RFC 9112 section 9.6).
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        # As they are: a call more costs each request.
        self.write = transport.write  # type: ignore[method-assign]
        self.abort = transport.abort  # type: ignore[method-assign]
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self.get_write_buffer_size = transport.get_write_buffer_size  # type: ignore[method-assign]
        self._loop = loop
        self._left = LINGER_BYTES
        self._timer: asyncio.TimerHandle | None = None
        self.is_sending = True
        """True while the client may be in the middle of a request."""

    @property
    def is_lingering(self) -> bool:
        """True if the last answer was written, and what comes is forgotten."""
        return self._timer is not None

    def forget(self, size: int) -> None:
        """More bytes have come after the last answer."""
        self._left -= size
        if self._left < 0:
            self._transport.abort()

    def ended(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        if not self.is_sending or self._transport.is_closing():
            self._transport.close()
        elif self._timer is None:
            self._timer = self._loop.call_later(LINGER_S, self._transport.abort)
            self.is_closing = lambda: True  # type: ignore[method-assign]
            self._transport.write_eof()
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        if not self.is_lingering:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.is_lingering:
            self._transport.resume_reading()

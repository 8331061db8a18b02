"""Reading a request body without trusting its size or its pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from starlette.types import Message, Receive

from edge.transcoding.status import Failure

# Bytes of an unwanted body that are read and forgotten, so that its sender reads the answer and may use the
# connection again; for a larger one the connection is closed.
DRAINED = 64 << 20
# Seconds that an unwanted body may take to arrive.
DRAIN_S = 5.0


# The most times as long that a body may be before its files are taken out: an octet with its comma and a line
# of its own, against base64.
LONGEST_SPELLING = 16


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Rewriter(Protocol):
    """Writes a body anew while it arrives."""

    @property
    def size(self) -> int:
        """Bytes that limits count so far."""

    def feed(self, chunk: bytes) -> bytes:
        """The next part."""

    def finish(self) -> bytes:
        """The last part."""


class Body:
    """The body of one request."""

    __slots__ = ("_complete", "_declared", "_expects_continue", "_receive")

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        self._declared = int(headers.get(b"content-length", b"0"))
        self._complete = not self._declared and b"transfer-encoding" not in headers
        # Such a client has not begun to send (RFC 9110 section 10.1.1).
        self._expects_continue = b"expect" in headers and headers[b"expect"].lower() == b"100-continue"

    @property
    def is_complete(self) -> bool:
        """True if all of it has arrived."""
        return self._complete

    def most(self, limit: int) -> int:
        """The most bytes that `read` may come to hold."""
        if self._complete:
            return 0
        return min(self._declared or limit, limit)

    async def read(self, limit: int, hold: Callable[[int], None] = lambda size: None) -> bytes:
        """All of it, `limit` bytes at most. `hold` gets the bytes held so far whenever there are more.

        Raises Failure (BODY_TOO_LARGE), ClientGone, and what `hold` raises.
        """
        if self._declared > limit:
            raise _too_large(limit)
        if self._complete:
            return b""
        chunk = await self._next()
        if self._complete and len(chunk) <= limit:
            return chunk
        chunks = [chunk]
        size = len(chunk)
        while size <= limit and not self._complete:
            hold(size)
            chunk = await self._next()
            size += len(chunk)
            chunks.append(chunk)
        if size > limit:
            raise _too_large(limit)
        return b"".join(chunks)

    async def rewritten(self, rewriter: Rewriter, limit: int, hold: Callable[[int], None]) -> bytes:
        """All of it as `rewriter` writes it anew, part by part; it counts `limit` bytes at most. `hold` gets
        the bytes counted so far.

        Raises Failure (BODY_TOO_LARGE), ClientGone, and what `rewriter` and `hold` raise.
        """
        if self._declared > limit * LONGEST_SPELLING:
            raise _too_large(limit)
        parts: list[bytes] = []
        while not self._complete:
            parts.append(rewriter.feed(await self._next()))
            if rewriter.size > limit:
                raise _too_large(limit)
            hold(rewriter.size)
        parts.append(rewriter.finish())
        return b"".join(parts)

    async def chunks(self, limit: int, hold: Callable[[int], None]) -> AsyncIterator[bytes]:
        """Its parts as they arrive, none of them empty, `limit` bytes at most in all. `hold` gets the size of
        each before it is passed on.

        Raises Failure (BODY_TOO_LARGE), ClientGone, and what `hold` raises.
        """
        if self._declared > limit:
            raise _too_large(limit)
        size = 0
        while not self._complete:
            chunk = await self._next()
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            if chunk:
                hold(len(chunk))
                yield chunk

    async def drain(self) -> bool:
        """Reads and forgets the rest. False if that would take too long: the connection must close."""
        if self._complete:
            return True
        if self._expects_continue or self._declared > DRAINED:
            return False
        left = DRAINED
        try:
            async with asyncio.timeout(DRAIN_S):
                while left >= 0 and not self._complete:
                    left -= len(await self._next())
        except TimeoutError:
            pass
        return self._complete

    async def _next(self) -> bytes:
        self._expects_continue = False
        message: Message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _too_large(limit: int) -> Failure:
    return Failure("BODY_TOO_LARGE", {"limit": str(limit)})

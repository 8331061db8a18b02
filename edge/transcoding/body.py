"""Reading a request body without trusting its size or its pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from edge.transcoding.asgi import Receive
from edge.transcoding.status import Failure

DRAINED = 64 << 20
"""Bytes of an unwanted body that are read and forgotten, so that its sender gets to read the answer and
may use the connection again; of a larger one the connection is closed instead."""

DRAIN_S = 5.0
"""Seconds that an unwanted body may take to arrive."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        self._declared = int(headers.get(b"content-length", b"0"))
        self._complete = not self._declared and b"transfer-encoding" not in headers
        # Who asks for permission first (RFC 9110 section 10.1.1) has not begun to send.
        self._asks = headers.get(b"expect", b"").lower() == b"100-continue"

    def most(self, limit: int) -> int:
        """How many bytes `read` may come to hold."""
        if self._complete:
            return 0
        return min(self._declared or limit, limit)

    async def read(self, limit: int, hold: Callable[[int], None] = lambda size: None) -> bytes:
        """All of it, `limit` bytes at most. `hold` is told the bytes in hand whenever there are more.

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

    async def settle(self) -> bool:
        """Gets rid of what was not read. False if that cannot be waited for: the connection must close."""
        if self._complete:
            return True
        if self._asks or self._declared > DRAINED:
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
        self._asks = False
        message: Mapping[str, Any] = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _too_large(limit: int) -> Failure:
    return Failure("BODY_TOO_LARGE", {"limit": str(limit)})

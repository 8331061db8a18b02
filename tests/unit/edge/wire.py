"""HTTP by hand, for what no client library would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

HEAD = b"POST /v1/emails HTTP/1.1\r\nhost: edge\r\nauthorization: Bearer key\r\n"


class Reply(NamedTuple):
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return orjson.loads(self.body)


class Connection:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Writes what may be no HTTP at all."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self) -> Reply:
        """The next answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(head[0].split()[1]), headers, body)

    def drop(self) -> None:
        """Closes at once, whatever is still to be sent."""
        self._writer.transport.abort()

    async def rest(self) -> None:
        """Reads and forgets all until the peer closes."""
        try:
            while await self._reader.read(65_536):
                pass
        except ConnectionError:
            pass

    async def ends(self) -> bool:
        """True if the peer closes without another byte; waits for either."""
        try:
            return not await self._reader.read(1)
        except ConnectionResetError:
            return True


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """A connection to a base URL."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()

"""A forwarder in front of a mail server that authenticates for its clients: Postfix's `smtp-source` cannot.

`python -m tests.bench.authenticating PORT KEY` prints `listening on PORT`. Each connection is made to the
server on PORT, authenticated there, and then forwarded as it is.
"""

import asyncio
import sys

import uvloop

from tests.harness.smtp_client import plain


class Side(asyncio.Protocol):
    """One side of a connection: its bytes go to the other."""

    transport: asyncio.Transport
    other: "Side"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.other.transport.close()


class Server(Side):
    """The side of the server, which begins with the authentication."""

    def __init__(self, client: "Client", key: str) -> None:
        self.other = client
        self._client = client
        self._steps = [b"EHLO bench.test\r\n", f"AUTH PLAIN {plain(key)}\r\n".encode(), b""]
        self._greeting = b""
        self._read = b""

    def data_received(self, data: bytes) -> None:
        if not self._steps:
            self.other.transport.write(data)
            return
        self._read += data
        last = self._read.splitlines()[-1:]
        if not self._read.endswith(b"\n") or (last and last[0][3:4] == b"-"):
            return
        assert last[0][:1] == b"2", self._read
        self._greeting = self._greeting or self._read
        self._read = b""
        step = self._steps.pop(0)
        if step:
            self.transport.write(step)
        else:
            self._client.other = self
            self._client.transport.write(self._greeting)
            self._client.transport.resume_reading()


class Client(Side):
    """The side of the client, who is greeted when it is authenticated."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.pause_reading()
        loop = asyncio.get_running_loop()
        self._connecting = loop.create_task(
            loop.create_connection(lambda: Server(self, self._key), "127.0.0.1", self._port)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "other"):
            self.other.transport.close()


async def serve(port: int, key: str) -> None:
    """Serves until the process ends."""
    server = await asyncio.get_running_loop().create_server(lambda: Client(port, key), "127.0.0.1", 0)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))

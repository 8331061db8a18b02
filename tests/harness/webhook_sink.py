"""An HTTP receiver whose behaviour the path selects.

| Path | Answer |
|---|---|
| `/<code>` | that status; anything unknown is 200 |
| `/<code>/retry-after/<seconds>` | that status with `Retry-After` |
| `/flaky-<n>` | 500 to the first n requests, then 200 |
| `/hang` | none |
| `/wait` | 200 as soon as the sink's event `go` is set |
| `/pause-<seconds>` | 200 after that time |
| `/drop` | the connection breaks |
| `/endless` | 200 with a body without end |
| `/slow-headers` | 200, a byte at a time |
| `/redirect?to=URL` | 302 |

What follows the path's order (`/200/anything`) is ignored, so that tests can tell their endpoints apart.
In a test: `async with WebhookSink() as sink`. As a process: `python -m tests.harness.webhook_sink`, which
prints `listening on PORT`.
"""

import argparse
import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson

from tests.harness.certificates import throw_away

SLOW_PAUSE_S = 0.2
ENDLESS_CHUNK = b"x" * 65536
ORDER = re.compile(
    r"/(?P<act>\d{3}|flaky-\d+|pause-[\d.]+|hang|wait|drop|endless|slow-headers|redirect)(?:/(?P<rest>.*))?"
)
REASONS = {200: "OK", 204: "No Content", 302: "Found", 410: "Gone", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came: `headers` with lower-case names, `body` raw, `at` in monotonic seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class WebhookSink:
    """A receiver on a free loopback port.

    `statuses` overrules the path's order while it has an entry, and so does `pages`, with an answer as it
    goes over the wire.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: bool = False, keep: bool = True
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.keep = keep
        self.calls: list[Call] = []
        self.count = 0
        self.statuses: dict[str, int] = {}
        self.pages: dict[str, bytes] = {}
        self.go = asyncio.Event()
        self.connections = 0
        self._seen: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The root of the sink; append a path."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def at(self, path: str) -> list[Call]:
        """The calls to this path, oldest first."""
        return [call for call in self.calls if call.path == path]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; a stopped sink comes back on its old port."""
        context = throw_away().server_context() if self.tls else None
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, ssl=context, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses new connections and breaks the present ones off."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            number = self.connections
            while (call := await _read(reader, number)) is not None:
                self.count += 1
                if self.keep:
                    self.calls.append(call)
                if not await self._answer(call, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answers one call; False when the connection is done with."""
        parts = urlsplit(call.path)
        if (status := self.statuses.get(call.path)) is not None:
            return await _reply(writer, status)
        if (whole := self.pages.get(call.path)) is not None:
            writer.write(whole)
            await writer.drain()
            # The answer must leave before the connection breaks.
            writer.close()
            await writer.wait_closed()
            return False
        order = ORDER.fullmatch(parts.path)
        act, rest = (order["act"], order["rest"] or "") if order else ("200", "")
        if act.isdigit():
            words = rest.split("/")
            wait = words[1] if words[0] == "retry-after" else None
            return await _reply(writer, int(act), {"Retry-After": wait} if wait else {})
        if act.startswith("flaky-"):
            self._seen[call.path] += 1
            return await _reply(writer, 500 if self._seen[call.path] <= int(act[6:]) else 200)
        if act.startswith("pause-"):
            await asyncio.sleep(float(act[6:]))
            return await _reply(writer, 200)
        match act:
            case "hang":
                await asyncio.Event().wait()
            case "wait":
                await self.go.wait()
                return await _reply(writer, 200)
            case "redirect":
                return await _reply(writer, 302, {"Location": parse_qs(parts.query)["to"][0]})
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
                while True:
                    writer.write(ENDLESS_CHUNK)
                    await writer.drain()
            case "slow-headers":
                for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                    writer.write(bytes([byte]))
                    await asyncio.sleep(SLOW_PAUSE_S)
        return False


def page(body: bytes, *, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """A whole answer for `pages`; `length` is what it says of its body, `_` in a header's name means `-`."""
    fields = {"Content-Length": str(len(body) if length is None else length), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def sink_in_a_thread() -> Iterator[WebhookSink]:
    """A receiver beside tests that have no event loop of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    sink = WebhookSink()
    asyncio.run_coroutine_threadsafe(sink.start(), loop).result()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _read(reader: asyncio.StreamReader, connection: int) -> Call | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Call(method, path, headers, body, time.monotonic(), connection)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
    await reader.readuntil(b"\r\n")
    return bytes(body)


async def _reply(writer: asyncio.StreamWriter, status: int, headers: dict[str, str] | None = None) -> bool:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'As Asked')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    body = b"" if status == 204 else b"as the path asks"
    lines += ["Content-Type: text/plain"]
    if status != 204:
        lines += [f"Content-Length: {len(body)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return True


async def _serve(arguments: argparse.Namespace) -> None:
    async with WebhookSink(port=arguments.port, tls=arguments.tls, keep=False) as sink:
        print(f"listening on {sink.port}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the sink until it is killed."""
    parser = argparse.ArgumentParser(description="an HTTP receiver that obeys the path")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed")
    parser.add_argument("--tls", action="store_true")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()

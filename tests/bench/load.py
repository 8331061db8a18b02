"""An HTTP/1.1 load generator: keep-alive connections that send ready-made requests, one at a time each.

A process of its own (`python -m tests.bench.load`), so that it competes with what it measures as any client
does, and the same for every program that it measures. It reads one `Load` as JSON on stdin and prints one
`Result` as JSON.
"""

import asyncio
import contextlib
import itertools
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, cast

import orjson
import uvloop

# As long as what replaces it, so that the length of a request does not change.
NUMBER = "{number}"
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Load:
    """The load: `body` as POSTs to `path`, over `connections`, for `seconds`.

    Each `NUMBER` in the body becomes the number of the request. The answers of the first `warm_up` seconds
    are not counted.
    """

    host: str
    port: int
    path: str
    body: str
    authorization: str = ""
    connections: int = 64
    seconds: float = 3.0
    warm_up: float = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a load: answers by status, answers per second, and their latency."""

    statuses: dict[str, int]
    per_second: float
    p50_ms: float
    p99_ms: float


def run(load: Load) -> Result:
    """Runs the load in a process of its own.

    Raises RuntimeError when an answer was not 2xx: a rate of refusals says nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=orjson.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        check=True,
    )
    result = Result(**orjson.loads(done.stdout))
    if any(not status.startswith("2") for status in result.statuses):
        raise RuntimeError(f"{load.path} was answered with {result.statuses}")
    return result


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, numbers: Iterator[int]) -> None:
        self._request = request
        self._numbers = numbers
        self._answer = bytearray()
        self._sent_at = 0.0
        self.answers: list[tuple[float, float, bytes]] = []
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head_end = self._answer.find(HEAD_END)
        if head_end < 0:
            return
        head = bytes(self._answer[: head_end + 2]).lower()
        begin = head.index(LENGTH) + len(LENGTH)
        size = int(head[begin : head.index(b"\r", begin)])
        if len(self._answer) < head_end + len(HEAD_END) + size:
            return
        now = time.perf_counter()
        self.answers.append((now, now - self._sent_at, head[9:12]))
        self._answer.clear()
        self._send()

    def close(self) -> None:
        self._transport.abort()

    def _send(self) -> None:
        request = numbered(self._request, next(self._numbers))
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def numbered(template: bytes, number: int) -> bytes:
    """The template with `NUMBER` replaced, so that every request is another one."""
    return template.replace(NUMBER.encode(), b"%08d" % (number % 100_000_000))


def _request(load: Load) -> bytes:
    content = load.body.encode()
    lines = [
        f"POST {load.path} HTTP/1.1",
        f"Host: {load.host}:{load.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    if load.authorization:
        lines.append(f"Authorization: {load.authorization}")
    return "\r\n".join(lines).encode() + HEAD_END + content


async def _generate(load: Load) -> Result:
    loop = asyncio.get_running_loop()
    # Another beginning for every run, so that no run repeats the recipients of the one before.
    connect = partial(_Connection, _request(load), itertools.count(time.time_ns() // 1_000))
    connections = [
        (await loop.create_connection(connect, load.host, load.port))[1] for _ in range(load.connections)
    ]
    await asyncio.sleep(load.warm_up)
    begin = time.perf_counter()
    await asyncio.sleep(load.seconds)
    end = time.perf_counter()
    if any(connection.lost for connection in connections):
        raise RuntimeError("the other side closed a connection")
    for connection in connections:
        connection.close()
    answers = [
        answer for connection in connections for answer in connection.answers if begin <= answer[0] < end
    ]
    latencies = sorted(1000 * latency for _, latency, _ in answers)
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Result(
        statuses=dict(Counter(status.decode() for _, _, status in answers)),
        per_second=len(answers) / (end - begin),
        p50_ms=cuts[49],
        p99_ms=cuts[98],
    )


def main() -> None:
    """Reads a load, runs it, prints the result."""
    load: dict[str, Any] = orjson.loads(sys.stdin.buffer.read())
    with contextlib.closing(uvloop.new_event_loop()) as loop:
        result = loop.run_until_complete(_generate(Load(**load)))
    sys.stdout.buffer.write(orjson.dumps(asdict(result)))


if __name__ == "__main__":
    main()

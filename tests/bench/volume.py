"""B6: with a million emails in the store and 100,000 in the queue, latencies stay the same.

Accepting is measured as B1 measures it, and delivering as the server does it, each against a store without
that past; reading is measured through REST, one request at a time.
"""

import http.client
import itertools
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.bench.delivery import receiver, unpacked_postfix
from tests.bench.figure import Figure, Target
from tests.bench.full_store import FullStack
from tests.bench.load import run
from tests.bench.programs import body, silent_smarthost
from tests.bench.rest import CONNECTIONS, load_of
from tests.harness.waiting import until_sync

STORED = 1_000_000
QUEUED = 100_000
# Emails delivered in one round.
EMAILS = 6_000
ROUNDS = 3
READS = 300
READS_WITHIN_S = 20.0
KEPT = Target(0.85)
P99_MS = Target(50, of="measured", bound="at most")


def measure() -> list[Figure]:
    """Fills the stores, then measures them in turn."""
    with tempfile.TemporaryDirectory(prefix="zidimail-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        silent = stack.enter_context(silent_smarthost())
        full = stack.enter_context(_stack(folder / "full", STORED - QUEUED, QUEUED, silent))
        with _stack(folder / "empty", 0, 0, silent) as empty:
            accepting = _accepting(full, empty)
        reading = _reading(full)
        port = stack.enter_context(receiver(unpacked_postfix()))
        full.kill_server()
        with _stack(folder / "queued", 0, EMAILS * (ROUNDS + 2), silent) as queued:
            queued.kill_server()
            delivering = _delivering(full, queued, f"smtp://127.0.0.1:{port}")
    return [accepting, delivering, *reading]


def _stack(folder: Path, stored: int, queued: int, transport: str) -> FullStack:
    return FullStack(folder, stored=stored, queued=queued, transport=transport)


def _accepting(full: FullStack, empty: FullStack) -> Figure:
    loads = {stack: load_of(stack, body(stack.domain), CONNECTIONS) for stack in (full, empty)}
    rates: dict[FullStack, list[float]] = {stack: [] for stack in loads}
    for _ in range(ROUNDS):
        for stack, load in loads.items():
            rates[stack].append(run(load).per_second)
    return _kept(f"REST single sends, {CONNECTIONS} connections", "requests/s", rates[full], rates[empty])


def _delivering(full: FullStack, queued: FullStack, transport: str) -> Figure:
    rates: dict[FullStack, list[float]] = {full: [], queued: []}
    for _ in range(ROUNDS):
        for stack, measured in rates.items():
            measured.append(_delivery_rate(stack, transport))
    return _kept("the engine in its server, to a local SMTP sink", "mails/s", rates[full], rates[queued])


def _delivery_rate(stack: FullStack, transport: str) -> float:
    """Mails per second of a server that finds a full queue as it starts."""
    with closing(sqlite3.connect(f"file:{stack.database}?mode=ro", uri=True)) as store:

        def delivered() -> int:
            # Each delivery is one more entry of the log.
            return int(store.execute("SELECT max(seq) FROM events WHERE tx = 0").fetchone()[0])

        before = delivered()
        stack.start_server({"ZIDIMAIL_TRANSPORT": transport}, wait=False)
        try:
            until_sync(lambda: delivered() > before, within=60, message="nothing was delivered")
            first, begin = delivered(), time.perf_counter()
            until_sync(lambda: delivered() >= before + EMAILS, within=120, message="delivery stands still")
            return (delivered() - first) / (time.perf_counter() - begin)
        finally:
            stack.stop_server()


def _kept(what: str, unit: str, full: list[float], empty: list[float]) -> Figure:
    return Figure(
        "B6",
        f"{what}, {STORED:,} emails stored and {QUEUED:,} queued",
        statistics.median(full),
        unit,
        peer="without them",
        peer_measured=statistics.median(empty),
        ratio=statistics.median(full) / statistics.median(empty),
        target=KEPT,
    )


def _reading(stack: FullStack) -> list[Figure]:
    chosen = random.Random(6)
    pages = itertools.cycle(range(1, 21))

    def some() -> int:
        return chosen.randrange(stack.stored)

    paths: dict[str, Callable[[], str]] = {
        "list, a page of 50": lambda: f"/v1/emails?page={next(pages)}",
        "get": lambda: f"/v1/emails/{stack.stored_id(some())}",
        "search by recipient": lambda: f"/v1/emails?search=customer-{some():08d}",
        "search by subject": lambda: f"/v1/emails?search=order+{some():08d}",
        "stats of 90 days": lambda: "/v1/emails/stats?days=90",
    }
    [*_, oldest] = _answer(stack, "/v1/emails?search=customer-00000000")["data"]
    assert oldest["id"] == stack.stored_id(0)
    return [
        Figure("B6", f"{what}, p99, {STORED:,} emails stored", _p99_ms(stack, path), "ms", target=P99_MS)
        for what, path in paths.items()
    ]


def _p99_ms(stack: FullStack, path: Callable[[], str]) -> float:
    """Of GETs on one connection, one after the other. Raises RuntimeError when one is not answered 200."""
    latencies: list[float] = []
    deadline = time.perf_counter() + READS_WITHIN_S
    with closing(_connection(stack)) as connection:
        while len(latencies) < READS and time.perf_counter() < deadline:
            target = path()
            begin = time.perf_counter()
            _get(connection, stack, target)
            latencies.append(1000 * (time.perf_counter() - begin))
    if len(latencies) < 2:
        return latencies[0]
    return statistics.quantiles(latencies, n=100, method="inclusive")[98]


def _answer(stack: FullStack, target: str) -> Any:
    with closing(_connection(stack)) as connection:
        return orjson.loads(_get(connection, stack, target))


def _connection(stack: FullStack) -> http.client.HTTPConnection:
    address = urlsplit(stack.http)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)


def _get(connection: http.client.HTTPConnection, stack: FullStack, target: str) -> bytes:
    connection.request("GET", target, headers={"Authorization": f"Bearer {stack.api_key}"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{target} was answered with {answer.status}: {content!r}")
    return content

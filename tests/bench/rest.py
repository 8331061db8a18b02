"""B1 and B3: REST sends, against an empty app that parses the same JSON, and the same path unbatched."""

import statistics
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.bench.figure import Figure, Target
from tests.bench.load import Load, Result, run
from tests.bench.plain import PlainStack
from tests.bench.programs import body, empty_app, running, silent_smarthost
from tests.harness.stack import Stack

ROUNDS = 5
CONNECTIONS = 64


def measure() -> list[Figure]:
    """Each program in turn, round after round, so that what disturbs the machine disturbs them all."""
    with ExitStack() as stack:
        smarthost = stack.enter_context(silent_smarthost())
        ours = stack.enter_context(running(Stack, smarthost))
        plain = stack.enter_context(running(PlainStack, smarthost))
        empty = stack.enter_context(empty_app())
        json = body(Stack.domain)
        many = {
            "ours": load_of(ours, json, CONNECTIONS),
            "empty": Load("127.0.0.1", empty, "/v1/emails", json, connections=CONNECTIONS),
            "plain": load_of(plain, json, CONNECTIONS),
        }
        one = {
            "ours": load_of(ours, json, 1),
            "empty": Load("127.0.0.1", empty, "/v1/emails", json, connections=1),
        }
        many_results = _rounds(many)
        one_results = _rounds(one)
    return [*_rates(many_results), *_latencies(one_results)]


def _rounds(loads: dict[str, Load]) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {name: [] for name in loads}
    for _ in range(ROUNDS):
        for name, load in loads.items():
            results[name].append(run(load))
    return results


def _rates(results: dict[str, list[Result]]) -> list[Figure]:
    rate = {name: statistics.median(r.per_second for r in rounds) for name, rounds in results.items()}
    return [
        Figure(
            "B1",
            f"REST single sends, {CONNECTIONS} connections, durable, SQLite; the outside silent",
            rate["ours"],
            "requests/s",
            peer="empty Starlette app",
            peer_measured=rate["empty"],
            ratio=rate["ours"] / rate["empty"],
            target=Target(0.22),
        ),
        Figure(
            "B1",
            "the same, against one RPC and one commit a request",
            rate["ours"],
            "requests/s",
            peer="the same programs unbatched",
            peer_measured=rate["plain"],
            ratio=rate["ours"] / rate["plain"],
        ),
    ]


def _latencies(results: dict[str, list[Result]]) -> list[Figure]:
    p50 = {name: statistics.median(r.p50_ms for r in rounds) for name, rounds in results.items()}
    p99 = {name: statistics.median(r.p99_ms for r in rounds) for name, rounds in results.items()}
    return [
        Figure(
            "B3",
            "REST single send, 1 connection, p50",
            p50["ours"],
            "ms",
            peer="empty Starlette app",
            peer_measured=p50["empty"],
            ratio=p50["ours"] / p50["empty"],
            target=Target(2, of="measured", bound="at most"),
        ),
        Figure(
            "B3",
            "the same, p99",
            p99["ours"],
            "ms",
            peer="empty Starlette app",
            peer_measured=p99["empty"],
            ratio=p99["ours"] / p99["empty"],
        ),
    ]


def load_of(stack: Stack, json: str, connections: int) -> Load:
    """Sends of `json` with a stack's key."""
    address = urlsplit(stack.http)
    return Load(
        address.hostname or "",
        address.port or 0,
        "/v1/emails",
        json,
        authorization=f"Bearer {stack.api_key}",
        connections=connections,
    )

"""B2: `BatchSendEmails` of 100 on both stores, against one SendEmail and one commit an email."""

import os
import statistics
from contextlib import ExitStack

import psycopg

from tests.bench.figure import Figure, Target
from tests.bench.plain import PlainStack
from tests.bench.programs import body, running, silent_smarthost
from tests.bench.rpc_load import RpcLoad, run
from tests.harness.postgres import GIVEN_URL, Postgres
from tests.harness.stack import Stack

ROUNDS = 3
SINGLE_CALLERS = 64


def measure() -> list[Figure]:
    """Both stores and the unbatched peer in turn, round after round."""
    postgres = Postgres.for_tests()
    if not os.environ.get(GIVEN_URL):
        _make_durable(postgres)
    with ExitStack() as stack:
        smarthost = stack.enter_context(silent_smarthost())
        sqlite = stack.enter_context(running(Stack, smarthost))
        postgresql = stack.enter_context(running(Stack, smarthost, postgres.create_database()))
        plain = stack.enter_context(running(PlainStack, smarthost))
        rates: dict[str, list[float]] = {"sqlite": [], "postgresql": [], "plain": []}
        for _ in range(ROUNDS):
            rates["sqlite"].append(run(_load(sqlite)))
            rates["postgresql"].append(run(_load(postgresql)))
            rates["plain"].append(run(_load(plain, batch=0, callers=SINGLE_CALLERS)))
    median = {name: statistics.median(values) for name, values in rates.items()}
    return [
        _figure("SQLite", median["sqlite"], median["plain"], 10_000),
        _figure("PostgreSQL", median["postgresql"], median["plain"], 6_000),
    ]


def _figure(store: str, rate: float, plain: float, target: float) -> Figure:
    return Figure(
        "B2",
        f"gRPC BatchSendEmails of 100, 4 callers, durable, {store}; the outside silent",
        rate,
        "emails/s",
        peer=f"SendEmail, {SINGLE_CALLERS} callers, a commit each, SQLite",
        peer_measured=plain,
        ratio=rate / plain,
        target=Target(target, of="measured"),
    )


def _load(stack: Stack, *, batch: int = 100, callers: int = 4) -> RpcLoad:
    return RpcLoad(stack.grpc, body(Stack.domain), f"Bearer {stack.api_key}", batch, callers)


def _make_durable(postgres: Postgres) -> None:
    """The tests' server forgets at a power cut; a figure must be that of one which does not."""
    url = postgres.url_of("postgres").replace("postgresql+psycopg", "postgresql", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")

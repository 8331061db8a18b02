"""State machines of Hypothesis over a real store, whose operations are asynchronous."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, ParamSpec, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from server.db.database import Database
from server.db.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

# A failure is shortened before it is reported, which Hypothesis ends after 300 s.
with_time_to_shorten = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Store:
    """A store with its running writer, and the event loop in which both run."""

    runner: asyncio.Runner
    database: Database
    writer: Writer


class StoreMachine(RuleBasedStateMachine):
    """Rules over one store, which all examples of a test share: each begins with data of its own."""

    store: ClassVar[Store]

    def run(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `await fn(...)`."""

        async def call() -> T:
            return await fn(*args, **kwargs)

        return self.store.runner.run(call())


def open_store(url: str) -> Iterator[Store]:
    """Opens the store at `url`; closed when the iterator ends."""

    async def opened() -> Store:
        database = Database(url)
        writer = Writer(database)
        writer.start()
        return Store(runner, database, writer)

    with asyncio.Runner() as runner:
        store = runner.run(opened())
        yield store
        runner.run(store.writer.close())
        runner.run(store.database.close())


def explore(machine: type[RuleBasedStateMachine], *, examples: int, steps: int, **parts: object) -> None:
    """Runs a machine that has `parts`, such as its store, as attributes of its class.

    `MODEL_EXAMPLES` multiplies the examples (`make fuzz`).
    A failure prints the steps that lead to it and how to repeat it.
    """
    run_state_machine_as_test(
        type(machine.__name__, (machine,), parts),
        settings=settings(
            max_examples=examples * int(os.environ.get("MODEL_EXAMPLES", "1")),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

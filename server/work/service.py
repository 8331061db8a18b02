"""Services: parts of a process that run from its start to its end, as one list."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol


class Service(Protocol):
    """A part of a process that is started once and stopped once."""

    async def start(self) -> None:
        """Begins to work; returns when it does."""

    async def stop(self) -> None:
        """Finishes the work in progress and frees what it holds. A service that never started has none."""


@asynccontextmanager
async def running(services: Sequence[Service]) -> AsyncIterator[None]:
    """Starts the services in order; stops them in reverse when the block is left.

    If one cannot start, those before it are stopped. A stop that fails does not keep the others from
    stopping; its exception is raised after them.
    """
    async with AsyncExitStack() as stack:
        for service in services:
            await service.start()
            stack.push_async_callback(service.stop)
        yield

"""Long jobs whose rows are in the store: every process goes on with them, one step of each in turn."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from server.faults import Unavailable
from server.work.loop import Loop

Row = TypeVar("Row")

_PAUSE_S = 0.5
_RETRY_AFTER_S = 1.0


class Moved(Unavailable):
    """The job has changed since its row was read: nothing of this step is stored."""

    def __init__(self) -> None:
        super().__init__(_RETRY_AFTER_S)


class Jobs(ABC, Generic[Row]):
    """Goes on with each job that is due; a service.

    A step's work and the place that it has come to are one transaction, which raises `Moved` after that of
    another process: a kill loses nothing and repeats nothing.
    """

    def __init__(self, name: str) -> None:
        """`name` is that of the loop in logs."""
        self._loop = Loop(name, self.step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to work."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the step in progress."""
        await self._loop.stop()

    def wake(self) -> None:
        """Looks for a new job at once."""
        self._loop.wake()

    async def step(self) -> bool:
        """Does a step of each job that is due; True if one of them did not only wait."""
        is_busy = False
        for row in await self._due():
            if self._loop.stopping:
                break
            try:
                is_busy |= await self._advance(row)
            except Moved:
                # The next step reads it again.
                is_busy = True
        return is_busy

    @abstractmethod
    async def _due(self) -> Sequence[Row]:
        """The rows of the jobs that are due."""

    @abstractmethod
    async def _advance(self, row: Row) -> bool:
        """Does the next step of a job; False if it can only wait. Raises `Moved`."""

"""The loop of every reader that follows the log."""

import time
from abc import ABC, abstractmethod

from server.work.backpressure import Backpressure, Pacer
from server.work.loop import Loop
from server.work.notifier import Notifier

# The delay until events of other processes are seen; those of this process are notified.
_POLL_S = 0.25


class Follower(ABC):
    """Repeats `step` while there are events to read, and waits for more when there are none.

    `name` names the loop in log lines and metrics. After a notification it waits `gather_s` seconds, so that
    more events come to be read together, and `high_gather_s` while many sends are being accepted.
    """

    def __init__(
        self,
        name: str,
        events_appended: Notifier,
        backpressure: Backpressure,
        *,
        gather_s: float,
        high_gather_s: float,
    ) -> None:
        self.name = name
        self._events_appended = events_appended
        self._pacer = Pacer(name, backpressure, gather_s=gather_s, high_gather_s=high_gather_s)
        self._loop = Loop(name, self._repeat, pause_s=_POLL_S)
        # The end of its last step, in monotonic seconds; None while it does not run.
        self._went_on_at: float | None = None

    @abstractmethod
    async def step(self) -> bool:
        """Reads one page of the log; True if there may be more to read at once."""

    async def start(self) -> None:
        """Begins to read."""
        self._went_on_at = time.monotonic()
        self._loop.start()

    async def stop(self) -> None:
        """Ends after the page that is being read; a later start goes on after it."""
        await self._loop.stop()
        self._went_on_at = None

    def still_s(self) -> float:
        """Seconds since it last went on, because a step fails or does not end; 0 if it does not run."""
        return 0.0 if self._went_on_at is None else time.monotonic() - self._went_on_at

    async def _repeat(self) -> bool:
        has_more = await self._pacer.run(self.step)
        self._went_on_at = time.monotonic()
        if not has_more:
            await self._events_appended.wait(_POLL_S)
            if not self._loop.stopping:
                await self._pacer.gather()
        return True

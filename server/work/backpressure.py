"""Backpressure: background loops pause while many sends are being accepted, and keep a share of the time.

Accepting and the background loops (delivery claims, webhook fan-out, statistics) share the processors of one
process. Under high load a loop works less often and on more at once:

- A loop that has caught up waits longer for more work to gather.
- A loop that is behind pauses after each step for `worked * (1 - share) / share` seconds, at most
  `MAX_PAUSE_S`. So it works for at least `share` of the time (`ZIDIMAIL_BACKGROUND_SHARE`), and a backlog
  grows only if work arrives faster than the loop can do it in that share.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from server.work.metrics import PAUSED_SECONDS

# Emails accepted in one transaction that make the load high: their callers waited for each other.
HIGH_LOAD = 8
# The time that the load stays high after the last such transaction, in seconds.
LINGER_S = 0.1
# The longest pause of a loop that is behind, in seconds.
MAX_PAUSE_S = 0.25


class AcceptLoad:
    """The load by sends: high if many emails were accepted in one transaction a moment ago."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._high_at = float("-inf")

    def record(self, emails: int) -> None:
        """Notes the number of emails in a transaction that accepts; any thread may call it."""
        if emails >= HIGH_LOAD:
            self._high_at = self._monotonic()

    @property
    def is_high(self) -> bool:
        """True while many sends are being accepted."""
        return self._monotonic() - self._high_at < LINGER_S


@dataclass(frozen=True, slots=True)
class Backpressure:
    """The policy of one process: `share` is above 0 and at most 1."""

    load: AcceptLoad = field(default_factory=AcceptLoad)
    share: float = 0.25

    def pause_s(self, worked_s: float) -> float:
        """The pause of a loop that is behind after `worked_s` seconds of work, in seconds."""
        return min(MAX_PAUSE_S, worked_s * (1 - self.share) / self.share) if self.load.is_high else 0.0


class Pacer:
    """The pauses of one background loop; `loop` names it in the metric.

    A loop that has caught up waits `gather_s` seconds for more work, and `high_gather_s` under high load.
    """

    def __init__(
        self,
        loop: str,
        policy: Backpressure,
        *,
        gather_s: float,
        high_gather_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._policy = policy
        self._gather_s = gather_s
        self._high_gather_s = high_gather_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._paused = PAUSED_SECONDS.labels(loop)

    async def run(self, step: Callable[[], Awaitable[bool]]) -> bool:
        """Runs a step and returns its result, after a pause if it is True: the loop is behind."""
        began = self._monotonic()
        is_behind = await step()
        if is_behind:
            await self._pause(self._policy.pause_s(self._monotonic() - began))
        return is_behind

    async def gather(self) -> None:
        """Waits for more work, which the next step does at once; for a loop that has caught up."""
        if self._policy.load.is_high:
            await self._pause(self._high_gather_s)
        elif self._gather_s:
            await self._sleep(self._gather_s)

    async def _pause(self, seconds: float) -> None:
        if seconds:
            began = self._monotonic()
            await self._sleep(seconds)
            self._paused.inc(self._monotonic() - began)

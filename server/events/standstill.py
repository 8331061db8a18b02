"""Watches the readers of the log: while one stands still, webhooks, streams or statistics of everybody do."""

from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Gauge

from server.events.follower import Follower
from server.work.loop import Loop
from server.work.service import Service

# Seconds without a step that are worth a word.
LONGEST_S = 5.0
_PAUSE_S = 1.0
_STANDSTILL = Gauge(
    "zidimail_log_standstill_seconds",
    "Seconds for which a reader of the event log has not gone on; 0 while it does.",
    ["reader"],
)
_log = structlog.get_logger()


class Standstill:
    """Says in the log and in the metric which readers stand still; `warn` gets a sentence for the operator.

    It is empty while all go on.
    """

    def __init__(self, followers: Sequence[Follower], warn: Callable[[str], None] | None = None) -> None:
        self._followers = followers
        self._warn = warn
        self._standing: set[str] = set()
        self._loop = Loop("events.standstill", self._step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to watch."""
        self._loop.start()

    async def stop(self) -> None:
        """Ends watching."""
        await self._loop.stop()

    async def _step(self) -> bool:
        still = {follower.name: follower.still_s() for follower in self._followers}
        for name, seconds in still.items():
            stands = seconds >= LONGEST_S
            _STANDSTILL.labels(name).set(seconds if stands else 0)
            if stands and name not in self._standing:
                self._standing.add(name)
                _log.warning("a reader of the event log stands still", reader=name, seconds=round(seconds))
            elif not stands and name in self._standing:
                self._standing.remove(name)
                _log.info("a reader of the event log goes on", reader=name)
        if self._warn is not None:
            self._warn(_words(sorted(self._standing)))
        return False


def followers_among(services: Sequence[Service]) -> list[Follower]:
    """The services among these that follow the log."""
    return [service for service in services if isinstance(service, Follower)]


def _words(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"The event log stands still for these readers: {', '.join(names)}. Look for a lock or a slow query "
        "in the database."
    )

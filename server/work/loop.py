"""A supervised loop: repeats one step, sooner when woken, later after failures, until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.faults import Unavailable
from server.work.backoff import exponential_s, jittered

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0
# While the store is away: trying costs little, and mail should go on soon after it is back.
_LONGEST_AWAY_S = 2.0
_log = structlog.get_logger()


class Loop:
    """Repeats `step` until `stop`.

    A step that returns True has more to do and is repeated at once; otherwise the loop waits for `wake` or
    about `pause_s` seconds, whichever comes first (polling is what finds the work of other processes). An
    exception is logged and the step repeated after a growing pause, which `wake` does not shorten. An outage
    (`Unavailable`) is logged as one line when it begins and one when it ends, however long it lasts.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], *, pause_s: float = 0.25) -> None:
        self._name = name
        self._step = step
        self._pause_s = pause_s
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to repeat the step."""
        self._stopped.clear()
        self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Begins the next step at once, without waiting for the next poll."""
        self._woken.set()

    @property
    def stopping(self) -> bool:
        """True after `stop` was called; a long step may check it."""
        return self._stopped.is_set()

    async def stop(self) -> None:
        """Lets the step in progress end, then returns. A step is not repeated after this."""
        self._stopped.set()
        self._woken.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _run(self) -> None:
        failures, is_away = 0, False
        while not self._stopped.is_set():
            # Cleared before the step, so that work which arrives during it is not overlooked.
            self._woken.clear()
            try:
                more = await self._step()
                if is_away:
                    _log.info("a loop goes on after an outage", loop=self._name, failures=failures)
                failures, is_away = 0, False
            except Unavailable as error:
                failures += 1
                if not is_away:
                    is_away = True
                    _log.warning("a loop waits for an outage to end", loop=self._name, error=error.message)
                pause_s = exponential_s(_FIRST_BACKOFF_S, _LONGEST_AWAY_S, failures)
                await _first(self._stopped, pause_s)
                continue
            except Exception:
                failures += 1
                _log.exception("a step failed and will be repeated", loop=self._name, failures=failures)
                pause_s = exponential_s(_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, failures)
                await _first(self._stopped, pause_s)
                continue
            if not more and not self._stopped.is_set():
                await _first(self._woken, jittered(self._pause_s))
            else:
                # A step without a real wait must not starve the other tasks.
                await asyncio.sleep(0)


async def _first(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass

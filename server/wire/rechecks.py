"""Admission of callers whose streams last: repeated, and once for all streams of one caller."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Admit: TypeAlias = Callable[[], Awaitable[None]]
Refused: TypeAlias = "asyncio.Future[None]"


class Rechecks:
    """Checks every `recheck_s` seconds whether the callers of streams are still admitted (F-7, S-19).

    A stream costs nothing while it waits: thousands of them have one timer together.
    """

    def __init__(self, recheck_s: float) -> None:
        self._recheck_s = recheck_s
        self._callers: dict[Hashable, dict[Refused, Admit]] = {}
        self._checking: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self, caller: Hashable, admit: Admit) -> Iterator[Refused]:
        """A future that fails with the exception of `admit` once it raises one.

        Of the streams whose `caller` is equal, `admit` of one is called for all.
        """
        refused: Refused = asyncio.get_running_loop().create_future()
        self._callers.setdefault(caller, {})[refused] = admit
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        try:
            yield refused
        finally:
            streams = self._callers[caller]
            del streams[refused]
            if not streams:
                del self._callers[caller]
            if not refused.cancel() and not refused.cancelled():
                # Looked at, so that asyncio does not report it as forgotten.
                refused.exception()

    async def _check(self) -> None:
        while self._callers:
            await asyncio.sleep(self._recheck_s)
            for streams in list(self._callers.values()):
                for admit in list(streams.values())[:1]:
                    try:
                        await admit()
                    except Exception as error:
                        _refuse(streams, error)


def _refuse(streams: dict[Refused, Admit], error: Exception) -> None:
    for refused in streams:
        if not refused.done():
            refused.set_exception(error)

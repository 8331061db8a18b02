"""The numbers of open streams in a process, which are limited."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.events.faults import TooManyStreams
from server.wire.caller import OrganisationCaller


class StreamCounts:
    """Counts streams of one kind: a caller has at most `of_caller`, and an organisation `of_org`."""

    def __init__(self, *, of_caller: int, of_org: int) -> None:
        self._limits = {"caller": of_caller, "organisation": of_org}
        self._counts: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def counted(self, caller: OrganisationCaller) -> Iterator[None]:
        """Counts a stream of a caller while it lasts. Raises `TooManyStreams`."""
        names = [("caller", caller.key_id or caller.user_id or ""), ("organisation", caller.org_id)]
        for name in names:
            if self._counts[name] >= self._limits[name[0]]:
                raise TooManyStreams(self._limits[name[0]], name[0])
        self._counts.update(names)
        try:
            yield
        finally:
            self._counts.subtract(names)
            for name in names:
                if not self._counts[name]:
                    del self._counts[name]

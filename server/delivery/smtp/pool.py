"""Idle sessions, kept for the next message to their site: to reconnect costs more than a message."""

import asyncio
from collections import OrderedDict

from server.delivery.smtp.session import Session
from server.net.descriptors import at_most

# The time for which an idle session is kept, in seconds: short, as a server may close it at any moment.
IDLE_S = 5.0
# The limits of a session, so that load balancers can move us to another host (seconds, messages).
MAX_AGE_S = 300.0
MAX_MESSAGES = 100
# The most idle sessions, each of which holds a descriptor: fewer if this process may have only few.
MAX_IDLE = 256
_PART_OF_DESCRIPTORS = 8
# The time in which a server may answer QUIT (seconds). TLS waits for its answer, and holds the descriptor.
_LINGER_S = 2.0


class Pool:
    """Idle sessions by site, each kept for `idle_s` seconds, and at most `most`: the oldest ends first."""

    def __init__(self, idle_s: float = IDLE_S, most: int = MAX_IDLE) -> None:
        self._idle_s = idle_s
        self._most = at_most(most, part=_PART_OF_DESCRIPTORS)
        self._loop = asyncio.get_running_loop()
        # All idle sessions with the time of their end, the one that has been idle longest first.
        self._idle: OrderedDict[Session, tuple[str, float]] = OrderedDict()
        # The same by site.
        self._sites: dict[str, OrderedDict[Session, None]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, site: str) -> Session | None:
        """The most recently used session to the site that is still open, None for none."""
        while site in self._sites:
            session = next(reversed(self._sites[site]))
            self._remove(session)
            if session.is_idle:
                return session
            session.abort()
        return None

    def put(self, site: str, session: Session) -> None:
        """Keeps a session for the next message, or ends it at its limits."""
        age = self._loop.time() - session.opened_at
        if not session.is_idle:
            session.abort()
        elif session.messages >= MAX_MESSAGES or age >= MAX_AGE_S:
            self._end(session)
        else:
            self._idle[session] = (site, self._loop.time() + self._idle_s)
            self._sites.setdefault(site, OrderedDict())[session] = None
            self.end_oldest(len(self._idle) - self._most)
            if self._sweep is None:
                self._sweep = self._loop.call_later(self._idle_s, self._end_old)

    def end_oldest(self, count: int) -> None:
        """Ends up to `count` sessions, those that have been idle longest."""
        for _ in range(min(count, len(self._idle))):
            session = next(iter(self._idle))
            self._remove(session)
            self._end(session)

    def close(self) -> None:
        """Ends all idle sessions."""
        if self._sweep is not None:
            self._sweep.cancel()
        for session in self._idle:
            session.quit()
        self._idle.clear()
        self._sites.clear()

    def _remove(self, session: Session) -> None:
        site, _ = self._idle.pop(session)
        del self._sites[site][session]
        if not self._sites[site]:
            del self._sites[site]

    def _end(self, session: Session) -> None:
        session.quit()
        self._loop.call_later(_LINGER_S, session.abort)

    def _end_old(self) -> None:
        now = self._loop.time()
        old = [session for session, (_, until) in self._idle.items() if until <= now]
        for session in old:
            self._remove(session)
            self._end(session)
        self._sweep = self._loop.call_later(self._idle_s / 2, self._end_old) if self._idle else None

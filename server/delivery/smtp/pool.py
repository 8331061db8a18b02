"""Idle sessions, kept for the next message to their site: to reconnect costs more than a message."""

import asyncio
from collections import deque

from server.delivery.smtp.session import Session

# The time for which an idle session is kept, in seconds: short, as a server may close it at any moment.
IDLE_S = 5.0
# The limits of a session, so that load balancers can move us to another host (seconds, messages).
MAX_AGE_S = 300.0
MAX_MESSAGES = 100


class Pool:
    """Idle sessions by site, each kept for `idle_s` seconds."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._loop = asyncio.get_running_loop()
        self._idle: dict[str, deque[tuple[Session, float]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, site: str) -> Session | None:
        """The most recently used session to the site that is still open, None for none."""
        idle = self._idle.get(site)
        while idle:
            session, _ = idle.pop()
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
            session.quit()
        else:
            self._idle.setdefault(site, deque()).append((session, self._loop.time() + self._idle_s))
            if self._sweep is None:
                self._sweep = self._loop.call_later(self._idle_s, self._end_old)

    def close(self) -> None:
        """Ends all idle sessions."""
        if self._sweep is not None:
            self._sweep.cancel()
        for idle in self._idle.values():
            for session, _ in idle:
                session.quit()
        self._idle.clear()

    def _end_old(self) -> None:
        now = self._loop.time()
        for site, idle in list(self._idle.items()):
            while idle and idle[0][1] <= now:
                idle.popleft()[0].quit()
            if not idle:
                del self._idle[site]
        self._sweep = self._loop.call_later(self._idle_s / 2, self._end_old) if self._idle else None

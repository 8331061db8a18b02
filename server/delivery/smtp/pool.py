"""Open sessions that wait for the next message to their site: reconnecting costs more than the mail."""

import asyncio
from collections import deque

from server.delivery.smtp.session import Session

# A server may close an idle connection at any moment; few of ours find that out the hard way (seconds).
IDLE_S = 5.0
# Load balancers should see us again now and then (seconds, messages).
MAX_AGE_S = 300.0
MAX_MESSAGES = 100


class Pool:
    """Idle sessions by site."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[str, deque[tuple[Session, float]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, site: str) -> Session | None:
        """The session that was used last, if one is still good."""
        idle = self._idle.get(site)
        while idle:
            session, _ = idle.pop()
            if session.is_idle:
                return session
            session.abort()
        return None

    def put(self, site: str, session: Session) -> None:
        """Keeps a session for the next message, or ends it if it served long enough."""
        age = self._loop.time() - session.opened_at
        if not session.is_idle:
            session.abort()
        elif session.messages >= MAX_MESSAGES or age >= MAX_AGE_S:
            session.quit()
        else:
            self._idle.setdefault(site, deque()).append((session, self._loop.time() + IDLE_S))
            if self._sweep is None:
                self._sweep = self._loop.call_later(IDLE_S, self._end_old)

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
        self._sweep = self._loop.call_later(IDLE_S / 2, self._end_old) if self._idle else None

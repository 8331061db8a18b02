"""The deadlines of one connection: of a command, of a message, of a login, of the session."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge.smtp.replies import Reply
from edge.smtp.session import Session
from edge.smtp.settings import Settings

# Bytes of a message that a client has to send in each second, about, when the deadline of a command is over.
LEAST_PACE = 16 << 10
# The longest that a timer runs, in seconds: an earlier deadline that is set meanwhile is noticed by then.
LONGEST_S = 60.0

_IDLE = Reply(421, "4.4.2", "The connection was idle for too long, or too slow.")
_NO_LOGIN = Reply(421, "4.4.2", "AUTH did not come in time: connect again.")
_TOO_LONG = Reply(421, "4.4.2", "The session has lasted too long: connect again.")


class Deadlines:
    """Times on the clock of the event loop, in seconds."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._now = now
        self._command_s = settings.command_deadline_s
        self._longest_s = min(LONGEST_S, settings.command_deadline_s)
        begun = now()
        self._login = begun + settings.login_deadline_s
        self._session = begun + settings.session_deadline_s
        self._next = begun
        self._message_begun: float | None = None
        self._message_bytes = 0

    def within(self, seconds: float) -> None:
        """The next step is due within these seconds."""
        self._next = self._now() + seconds

    def wait(self) -> None:
        """The server answers: its calls have deadlines of their own."""
        self._message_begun = None
        self._next = math.inf

    def for_command(self) -> None:
        """The next command is due."""
        self._message_begun = None
        self._next = self._now() + self._command_s

    def for_message(self, size: int) -> None:
        """More bytes of a message have come: a large one has as much more time as it needs at a low pace."""
        if self._message_begun is None:
            self._message_begun = self._now()
            self._message_bytes = 0
        self._message_bytes += size
        self._next = self._message_begun + self._command_s + self._message_bytes / LEAST_PACE

    def over(self, session: Session) -> Reply | None:
        """The last reply to a session without a transaction that has lasted too long; else None."""
        now = self._now()
        if session.account is None and now >= self._login:
            return _NO_LOGIN
        return _TOO_LONG if now >= self._session else None

    def left_s(self, session: Session | None) -> float:
        """Seconds until the timer has to look again; zero or less when a deadline is over."""
        due = self._next
        if session is not None and session.is_idle and not session.is_over and due != math.inf:
            due = min(due, self._session, self._login if session.account is None else math.inf)
        return min(due - self._now(), self._longest_s)

    def reply(self, session: Session) -> Reply:
        """The last reply when a deadline is over."""
        return (self.over(session) if session.is_idle else None) or _IDLE

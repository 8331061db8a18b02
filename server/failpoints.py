"""Failpoints: named points in the code at which a test kills, fails or delays this process.

`ZIDIMAIL_FAILPOINTS` is a list of `name=mode` with commas. A mode is `kill` (SIGKILL to this process),
`raise` (`FailpointReached`), `sleep:SECONDS` (blocks the thread) or any other word, which only makes
`enabled(name)` true. A mode acts on every hit; with `@N` after it on the Nth hit only, with `%P` on each hit
with the probability P. `ZIDIMAIL_FAILPOINTS_LOG` names a file to which each process appends the name of a
point when it first reaches it, and whenever the point acts.

Without both variables `hit` does nothing.

The names, in the order of an email's life: `accept.before_commit`, `accept.after_commit`,
`engine.after_claim`, `smtp.after_mail`, `smtp.before_dot`, `smtp.after_dot` (sent, no reply read yet),
`engine.after_reply` (the reply is read, the journal not written), `engine.before_complete`. And
`writer.ack_before_commit=sleep:SECONDS`: the writer acknowledges, sleeps and then commits, so that a test can
prove that the crash tests detect it.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class FailpointReached(Exception):
    """Raised by a point whose mode is `raise`."""


@dataclass(slots=True)
class _Point:
    action: str
    seconds: float = 0.0
    nth: int | None = None
    probability: float = 1.0
    hits: int = 0

    @classmethod
    def parse(cls, mode: str) -> "_Point":
        """Parses `action[:seconds][@N|%P]`. Raises ValueError for a number that is none."""
        mode, _, nth = mode.partition("@")
        mode, _, probability = mode.partition("%")
        action, _, seconds = mode.partition(":")
        return cls(action, float(seconds or 0), int(nth) if nth else None, float(probability or 1))

    def is_due(self) -> bool:
        """Counts one hit; True if the point acts on it."""
        self.hits += 1
        if self.nth is not None:
            return self.hits == self.nth
        return self.probability >= 1 or random.random() < self.probability

    def act(self, name: str) -> None:
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.action == "raise":
            raise FailpointReached(name)
        elif self.action == "sleep":
            time.sleep(self.seconds)


class Failpoints:
    """The failpoints of one process, read from its environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        entries = (entry.partition("=") for entry in environ.get("ZIDIMAIL_FAILPOINTS", "").split(","))
        self._points = {name.strip(): _Point.parse(mode.strip()) for name, _, mode in entries if name.strip()}
        log = environ.get("ZIDIMAIL_FAILPOINTS_LOG")
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if log else None
        self._seen: set[str] = set()
        self.active = bool(self._points) or self._log is not None

    def hit(self, name: str) -> None:
        """Acts as the environment says for this point."""
        point = self._points.get(name)
        due = point is not None and point.is_due()
        if self._log is not None and (due or name not in self._seen):
            self._seen.add(name)
            # Unbuffered, so that the line survives the kill that may follow.
            os.write(self._log, f"{name}\n".encode())
        if point is not None and due:
            point.act(name)

    def enabled(self, name: str) -> bool:
        """True if the environment names this point; logged like a hit."""
        if self._log is not None and name in self._points and name not in self._seen:
            self._seen.add(name)
            os.write(self._log, f"{name}\n".encode())
        return name in self._points


def _nothing(name: str) -> None:
    """The `hit` of a process without failpoints."""


def _never(name: str) -> bool:
    """The `enabled` of a process without failpoints."""
    return False


_failpoints = Failpoints(os.environ)
hit: Callable[[str], None] = _failpoints.hit if _failpoints.active else _nothing
enabled: Callable[[str], bool] = _failpoints.enabled if _failpoints.active else _never

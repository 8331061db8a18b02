"""The watchdog: cuts connections whose transaction takes too long, so that its thread gets an error.

A database host that went silent, or a network that swallows what is sent, would keep the thread for ever: no
time-out of the database is of use then, and TCP's own hold only while nothing acknowledges.
"""

import contextlib
import os
import socket
import threading
import time
from typing import Any

# Seconds between two looks.
_LOOK_S = 0.25


class Line:
    """The socket of a driver's connection: a duplicate, so that it never is another file's number."""

    __slots__ = ("_socket", "until", "was_cut")

    def __init__(self, driver: Any) -> None:
        """`driver` is psycopg's connection: it has no public type of its own here."""
        self._socket = socket.socket(fileno=os.dup(driver.fileno()))
        self.until: float | None = None
        self.was_cut = False

    def cut(self) -> None:
        """Ends the connection: whoever waits for its answer gets an error at once."""
        self.was_cut = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the duplicate."""
        self._socket.close()

    def __del__(self) -> None:
        # A connection that was lost while it was being made is closed by nobody.
        self.close()


class Watchdog:
    """Watches the lines that are in use, from a thread that lives while there are lines."""

    def __init__(self) -> None:
        self._lines: set[Line] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # Seconds that a transaction may take once the process stops.
        self._hurry_s: float | None = None
        # True if the process stops and had to cut a line: the database does not answer any more.
        self.has_given_up = False

    def add(self, line: Line) -> None:
        """Adds a line; it is watched between `watch` and `release`."""
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="store-watchdog", daemon=True)
                self._thread.start()

    def remove(self, line: Line) -> None:
        """Forgets a line and closes it."""
        with self._lock:
            self._lines.discard(line)
            line.close()

    def watch(self, line: Line, seconds: float) -> None:
        """Cuts the line unless it is released within this time."""
        line.until = time.monotonic() + (seconds if self._hurry_s is None else min(seconds, self._hurry_s))

    def release(self, line: Line) -> None:
        """The line is idle."""
        line.until = None

    def hurry(self, seconds: float) -> None:
        """The process stops: from now on no transaction takes longer than this, and after the first that
        does none begins."""
        self._hurry_s = seconds
        latest = time.monotonic() + seconds
        with self._lock:
            for line in self._lines:
                if (until := line.until) is not None:
                    line.until = min(until, latest)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            now = time.monotonic()
            with self._lock:
                if not self._lines:
                    self._thread = None
                    return
                for line in list(self._lines):
                    until = line.until
                    if until is not None and (until < now or self.has_given_up):
                        self.has_given_up = self._hurry_s is not None
                        line.cut()
                        self._lines.discard(line)

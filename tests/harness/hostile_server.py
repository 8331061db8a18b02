"""An HTTP server that answers every request without end. It runs in a thread, so that its work is not counted
as that of the event loop under test."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

_AT_ONCE = 16 * 1024
_WITHIN_S = 30.0


class HostileServer:
    """Answers each request with `head`, then with `rest` for ever, until its caller hangs up.

    `closed` is set when the first one has. With `waits`, `rest` begins only when `go_on` is set.
    """

    def __init__(self, head: bytes, rest: bytes, *, waits: bool = False) -> None:
        self._head = head
        self._rest = rest * (_AT_ONCE // len(rest) + 1)
        self.closed = threading.Event()
        self.go_on = threading.Event()
        if not waits:
            self.go_on.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """The URL of the only page."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on.set()
        # A thread that waits in accept() is not woken by close().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            # The caller's event loop, which may not have hung up yet, waits here.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(_WITHIN_S)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_WITHIN_S)
            connection.recv(65536)
            connection.sendall(self._head)
            self.go_on.wait(_WITHIN_S)
            while True:
                connection.sendall(self._rest)
        self.closed.set()

"""`python -m edge`: serves HTTP until SIGTERM, then answers the requests under way and stops."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys

import structlog
import uvicorn

from edge.app import application
from edge.logs import configure_logs
from edge.process import PRIVATE_UMASK, manage_memory
from edge.protocol import protocol_of
from edge.settings import Settings

# Seconds that requests under way get to finish: their deadline and some more.
DRAIN_S = 35
# Seconds that an idle connection stays open: longer than load balancers keep theirs (60), so that it is they
# who close, and no request crosses the closing.
KEEP_ALIVE_S = 75

_log = structlog.get_logger("edge")


def main() -> int:
    """The program's exit code."""
    lines = configure_logs()
    try:
        settings = Settings.from_env()
    except ValueError as error:
        print(f"zidimail: {error}.", file=sys.stderr)
        return 1
    if settings.sends_in_clear:
        _log.warning(
            "keys and mail go to the server in clear: set ZIDIMAIL_SERVER_CA", server=settings.server
        )
    os.umask(PRIVATE_UMASK)
    served = config(settings)
    try:
        if served.uds is not None:
            _reserve(served.uds, settings.socket_mode)
    except OSError as error:
        print(f"zidimail: ZIDIMAIL_HTTP_LISTEN: cannot listen on {served.uds}: {error}.", file=sys.stderr)
        return 1
    manage_memory()
    try:
        uvicorn.Server(served).run()
    finally:
        if lines is not None:
            lines.flush()
    return 0


def _reserve(path: str, mode: int) -> None:
    """Leaves a socket file with these permissions, which uvicorn gives to its own: else anybody may connect.

    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    with socket.socket(socket.AF_UNIX) as placeholder:
        placeholder.bind(path)
    os.chmod(path, mode)


def config(settings: Settings) -> uvicorn.Config:
    """The settings of the HTTP server, with the application."""
    app = application(settings)
    host, port, path = _address(settings.http_listen)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        uds=path,
        loop="auto",
        http=protocol_of(settings.deadline_s, app.state.dialect.failure),
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def _address(listen: str) -> tuple[str, int, str | None]:
    """Host, port and socket path of `host:port` or `unix:/path`."""
    if listen.startswith("unix:"):
        return "", 0, listen.removeprefix("unix:")
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port), None


if __name__ == "__main__":
    sys.exit(main())

"""`python -m edge`: serves HTTP until SIGTERM, then answers what is under way and stops."""

from __future__ import annotations

import gc
import sys

import structlog
import uvicorn

from edge.app import Edge
from edge.protocol import protocol_of
from edge.settings import Settings

DRAIN_S = 35
"""Seconds that requests under way get to finish: their deadline and some more."""

COLLECTED_AT = 20_000
"""So many new objects are looked through for cycles together."""

KEEP_ALIVE_S = 75
"""Seconds that an idle connection stays open: longer than load balancers keep theirs (60), so that it is
they who close, and no request crosses the closing."""


def main() -> int:
    """The program's exit code."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    try:
        settings = Settings.from_env()
    except ValueError as error:
        print(f"zidimail: {error}.", file=sys.stderr)
        return 1
    served = config(settings)
    # What was made until now stays, and what a request makes mostly goes by itself: looking for cycles as
    # often as Python does by default took 10 % of the time under load.
    gc.freeze()
    gc.set_threshold(COLLECTED_AT)
    uvicorn.Server(served).run()
    return 0


def config(settings: Settings) -> uvicorn.Config:
    """How the edge is served."""
    edge = Edge(settings)
    host, port, path = _address(settings.http_listen)
    return uvicorn.Config(
        edge,
        host=host,
        port=port,
        uds=path,
        loop="auto",
        http=protocol_of(settings.deadline_s, edge.failure),
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

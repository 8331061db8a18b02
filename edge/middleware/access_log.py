"""The request id, and one log line for each HTTP request (F-9)."""

from __future__ import annotations

from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.transcoding.asgi import Exchange, exchange_of

# Whatever watches the edge asks these again and again: their answer is news when it is another one.
PROBES = frozenset({"/healthz", "/readyz"})


class AccessLog:
    """Puts the request id on every answer and logs the request when its answer is complete.

    A probe is logged when its status differs from the one before.

    The line holds the path template and neither the path nor the query: those may hold an email address.
    `status` is null for a client that left before it was answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Bound once: the logger of structlog that configures itself looks its configuration up for each line.
        self._log = structlog.get_logger("edge").bind()
        self._probed: dict[str, int | None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange is None:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", exchange.request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            # Starlette's outermost layer answers it.
            status = status or 500
            raise
        finally:
            self._note(exchange, status, started)

    def _note(self, exchange: Exchange, status: int | None, started: float) -> None:
        if exchange.template in PROBES:
            if self._probed.get(exchange.template, 0) == status:
                return
            self._probed[exchange.template] = status
        self._log.info(
            "request",
            request_id=exchange.request_id,
            method=exchange.method,
            path=exchange.template,
            status=status,
            ms=round((perf_counter() - started) * 1000, 2),
            call_id=exchange.call_id,
        )

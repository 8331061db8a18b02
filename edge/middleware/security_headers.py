"""The headers of every answer (Z-6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.transcoding.asgi import Header

HEADERS: Sequence[Header] = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    # An answer differs by the page that asks (Z-5).
    (b"vary", b"Origin"),
)
_NAMES = frozenset(name for name, _ in HEADERS)


def with_security_headers(own: Collection[Header]) -> list[Header]:
    """The headers of an answer and, of `HEADERS`, those that it does not set itself."""
    found = _NAMES.intersection(dict(own))
    if not found:
        return [*HEADERS, *own]
    return [*(header for header in HEADERS if header[0] not in found), *own]


class SecurityHeaders:
    """Adds the security headers that an answer does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_security_headers(message["headers"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

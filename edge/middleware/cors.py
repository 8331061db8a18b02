"""Pages of one origin may call the API from a browser (Z-5): the dashboard's, and no other's."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.transcoding.asgi import exchange_of

_METHODS = ("GET", "POST", "PATCH", "DELETE")
_REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "X-Batch-Validation", "X-Request-Id")
_EXPOSED_HEADERS = (
    "X-Request-Id",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "Idempotent-Replayed",
)


class Cors(CORSMiddleware):
    """Starlette's CORS for one origin; to any other, and to what is no preflight, the application answers as
    if there were none. Credentials are not allowed: a page sends its session as a Bearer token."""

    def __init__(self, app: ASGIApp, app_url: str) -> None:
        """`app_url` is where the pages come from."""
        self._origin = origin_of(app_url)
        super().__init__(
            app,
            allow_origins=(self._origin,),
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange is None or exchange.headers.get(b"origin") != self._origin.encode():
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The lists, whatever is requested: the browser compares."""
        return Response(
            status_code=204,
            headers={**self.preflight_headers, "Access-Control-Allow-Origin": self._origin},
        )


def origin_of(url: str) -> str:
    """The origin of a URL as browsers write it: lower case, without the scheme's own port (RFC 6454 6.2)."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name.encode("idna").decode()
    implied = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, implied) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"

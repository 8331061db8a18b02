"""Pages of one origin may call the API from a browser (Z-5): the dashboard's, and no other's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from edge.transcoding.asgi import SECURITY_HEADERS, Event, Header, Send

METHODS = b"GET, POST, PATCH, DELETE"
REQUEST_HEADERS = b"Authorization, Content-Type, Idempotency-Key, X-Batch-Validation, X-Request-Id"
EXPOSED_HEADERS = (
    b"X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, Idempotent-Replayed"
)

REMEMBERED_S = 600
"""Seconds that a browser need not ask again."""


class Cors:
    """What the pages of one installation are told."""

    def __init__(self, app_url: str) -> None:
        """`app_url` is where the pages come from. Credentials are not mentioned: a page sends its session
        as a Bearer token of its own accord."""
        self._origin = origin_of(app_url)
        origin: Header = (b"access-control-allow-origin", self._origin)
        self._shared = (origin, (b"access-control-expose-headers", EXPOSED_HEADERS))
        self._preflight = (
            origin,
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", b"%d" % REMEMBERED_S),
        )

    def allows(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request comes from a page of that origin."""
        return headers.get(b"origin") == self._origin

    async def answer_preflight(self, send: Send, request_id: str) -> None:
        """The answer to the question that a browser asks before the request itself."""
        headers = [
            *SECURITY_HEADERS,
            (b"vary", b"Origin"),
            (b"x-request-id", request_id.encode()),
            *self._preflight,
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def sharing(self, send: Send) -> Send:
        """Sends what the page may read."""

        async def share(event: Event) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event["headers"], *self._shared]
            await send(event)

        return share


def is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request only asks what may be requested (Fetch standard, CORS-preflight)."""
    return (
        method == "OPTIONS"
        and b"access-control-request-method" in headers
        and b"transfer-encoding" not in headers
        and headers.get(b"content-length", b"0") == b"0"
    )


def origin_of(url: str) -> bytes:
    """The origin of a URL as browsers write it: lower case, and no port that the scheme implies."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name.encode("idna").decode()
    implied = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, implied) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}".encode()

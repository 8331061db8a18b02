"""The credential of a request: its Authorization header, or the cookie of our own pages (C-10, C-74)."""

from __future__ import annotations

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.middleware.cors import origin_of
from edge.transcoding.asgi import Exchange, exchange_of

COOKIE = "zm_token"
_SAFE_METHODS = ("GET", "HEAD")
_FOREIGN_SITES = (b"cross-site", b"same-site")


class Credential:
    """Takes the credential of each request to where the endpoints find it.

    What a credential is worth is the server's to know; here a cookie is only left out where the browser was
    led by a page that is not ours. Several credentials may belong to different callers: together they are
    none (contract row C-91).
    """

    def __init__(self, app: ASGIApp, app_url: str) -> None:
        """`app_url` is where our pages come from."""
        self._app = app
        self._origin = origin_of(app_url).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange is not None:
            authorization = exchange.headers.get(b"authorization", b"").decode("latin-1")
            if b"cookie" in exchange.headers or exchange.has_repeated_headers:
                given = [value.decode("latin-1") for value in exchange.values(b"authorization")]
                # As RFC 9110 section 5.3 joins fields: a value with a comma is no credential.
                authorization = ", ".join([*given, *self._from_cookies(exchange)])
            exchange.authorization = authorization
            exchange.foreign_origin = self._foreign_origin(exchange)
        await self._app(scope, receive, send)

    def _from_cookies(self, exchange: Exchange) -> list[str]:
        """The credentials in cookies: a sibling host may have set a second one of the same name."""
        if not self._is_from_our_page(exchange):
            return []
        pairs = (pair for value in exchange.values(b"cookie") for pair in value.decode("latin-1").split(";"))
        tokens = (cookie_parser(pair).get(COOKIE) for pair in pairs)
        return [f"Bearer {token}" for token in tokens if token]

    def _foreign_origin(self, exchange: Exchange) -> str:
        """The origin of the page of others that made a browser send the request; programs name none."""
        origin = exchange.headers.get(b"origin")
        if origin is not None and origin != self._origin:
            return origin.decode("latin-1")
        return "another site" if exchange.headers.get(b"sec-fetch-site") in _FOREIGN_SITES else ""

    def _is_from_our_page(self, exchange: Exchange) -> bool:
        origin = exchange.headers.get(b"origin")
        site = exchange.headers.get(b"sec-fetch-site")
        if exchange.method in _SAFE_METHODS:
            # Browsers send no Origin when a link is followed.
            return site not in _FOREIGN_SITES and origin in (None, self._origin)
        return origin == self._origin or site == b"same-origin"

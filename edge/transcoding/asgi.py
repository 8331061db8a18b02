"""The only place that reads raw ASGI scopes: one HTTP request as middleware and endpoints share it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import NamedTuple, TypeAlias

from starlette.requests import Request
from starlette.routing import Match, Mount, Route
from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.presence import Presence

Header: TypeAlias = tuple[bytes, bytes]

_JSON: Header = (b"content-type", b"application/json")
_EXCHANGE = "zidimail.exchange"
# The key of the client's `Presence` in the scope's state.
_PRESENCE = "zidimail.presence"
_random = Random()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class Answer(NamedTuple):
    """An HTTP answer before it is sent. The body is JSON."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


def set_presence(protocol: HttpToolsProtocol, presence: Presence) -> None:
    """Says who the client of the request is that a connection reads, before the application gets it."""
    protocol.scope["state"][_PRESENCE] = presence


class Exchange:
    """One HTTP request, read from its scope once, and what the layers that serve it find out.

    `headers` has lower-case names; of a header that comes twice the first counts. `authorization` is the
    credential as the server takes it, empty for none. `foreign_origin` is the origin of the page of another
    site that made a browser send the request, empty for none. `route` is the path template that the request
    was matched with, `call_id` the id of the gRPC call that it shared with others, None for none. `presence`
    is that of its client, None if its protocol tells nothing of it.
    """

    __slots__ = (
        *("authorization", "call_id", "foreign_origin", "headers", "method", "presence", "request_id"),
        *("route", "scope"),
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: Mapping[bytes, bytes] = dict(reversed(scope["headers"]))
        self.request_id = _request_id(self.headers)
        self.authorization = ""
        self.foreign_origin = ""
        self.route: str | None = None
        self.call_id: str | None = None
        self.presence: Presence | None = scope.get("state", {}).get(_PRESENCE)

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        path: str = self.scope["path"]
        return path

    @property
    def raw_path(self) -> bytes:
        """The path as it came over the wire."""
        path: bytes = self.scope["raw_path"]
        return path

    @property
    def query(self) -> bytes:
        """The raw query string."""
        query: bytes = self.scope["query_string"]
        return query

    @property
    def peer(self) -> str:
        """The address of the other end of the connection; empty on a local socket."""
        client: tuple[str, int] | None = self.scope.get("client")
        return client[0] if client is not None else ""

    @property
    def template(self) -> str | None:
        """The path template that the request was matched with, for logs; None if with none."""
        if self.route is not None:
            return self.route
        route = self.scope.get("route")
        if not isinstance(route, Route):
            return None
        return f"{self.scope.get('root_path', '')}{route.path}"

    @property
    def has_repeated_headers(self) -> bool:
        """True if a header came more than once, so that `headers` does not hold all."""
        return len(self.headers) < len(self.scope["headers"])

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header, in their order."""
        return [value for key, value in self.scope["headers"] if key == name]


def exchange_of(scope: Scope) -> Exchange | None:
    """The exchange of an HTTP request, made by the first who asks; None for every other kind of scope."""
    exchange: Exchange | None = scope.get(_EXCHANGE)
    if exchange is None and scope["type"] == "http":
        exchange = scope[_EXCHANGE] = Exchange(scope)
    return exchange


def exchange_of_request(request: Request) -> Exchange | None:
    """The exchange of a request as Starlette's handlers get it."""
    return exchange_of(request.scope)


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own X-Request-Id, if it can stand in a log line and a header, or a new one (F-9)."""
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(text := given.decode("latin-1")):
        return text
    return new_id()


def new_id() -> str:
    """24 hexadecimal digits. Request ids need not be hard to guess, so none costs a system call."""
    return f"{_random.getrandbits(96):024x}"


class PrefixMount(Mount):
    """A Mount of an application that matches whole paths itself: found by its prefix, without the regular
    expression and the changed scope that cost each request 3 µs."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"].startswith(f"{self.path}/"):
            return Match.FULL, {}
        return Match.NONE, {}


class PathRoute(Route):
    """A Route of one path without parameters, found without a regular expression."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"] == self.path:
            return super().matches(scope)
        return Match.NONE, {}


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Sends an answer; for a HEAD request all of it but the body."""
    status, body, headers = answer
    headers = (_JSON, (b"content-length", b"%d" % len(body)), *headers)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


def entity_headers(answer: Answer) -> tuple[Header, ...]:
    """The headers that describe the body of an answer."""
    return (_JSON, (b"content-length", b"%d" % len(answer.body)))

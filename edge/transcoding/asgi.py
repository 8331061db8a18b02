"""The part of ASGI that the edge speaks, and the answer that it sends."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

SECURITY_HEADERS: Sequence[Header] = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer of the edge (Z-6)."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before it is sent. The body is JSON unless the headers say otherwise."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own X-Request-Id, if it can stand in a log line and a header, or a new one (F-9)."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    """24 hexadecimal digits."""
    return secrets.token_hex(12)


_JSON_HEADERS: Sequence[Header] = (
    *SECURITY_HEADERS,
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    # Pages of one origin are told more than others (Z-5).
    (b"vary", b"Origin"),
)


def _headers(answer: Answer, request_id: str) -> list[Header]:
    return [
        *_JSON_HEADERS,
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]


async def send_answer(send: Send, answer: Answer, request_id: str, *, head: bool = False) -> None:
    """Sends an answer; for a HEAD request all of it but the body."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": _headers(answer, request_id),
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


def last_answer(answer: Answer, request_id: str) -> bytes:
    """An answer as it goes over the wire when there is no request that ASGI could answer; the last one
    of its connection."""
    lines = [
        b"HTTP/1.1 %d %s" % (answer.status, HTTPStatus(answer.status).phrase.encode()),
        *(b"%s: %s" % header for header in _headers(answer, request_id)),
        b"connection: close",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + answer.body

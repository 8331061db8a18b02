"""HTTP/1.1 connections, with limits on what comes before a request can be answered at all.

uvicorn lets a head grow and take its time without end; here it has 64 KiB and the deadline. Bytes that are no
HTTP are answered in JSON like every other error.

Leans on these insides of uvicorn's `HttpToolsProtocol`, which is pinned in constraints.txt:
`_unset_keepalive_if_required` (stops the timer of an idle connection, as its own `data_received` does
first), `parser` (the httptools parser of the connection, replaced to pass over an upgrade), `url` and
`headers` (of the head being read), `cycle` (the request being answered: `response_started`,
`response_complete`, `disconnected`) and `pipeline` (the requests that wait behind it).
tests/unit/edge/test_protocol.py notices when they change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.middleware.security_headers import with_security_headers
from edge.transcoding.asgi import Answer, entity_headers, new_id
from edge.transcoding.status import HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT, Failure

# Bytes of a request line and its headers: more than any proxy lets through.
HEAD_BYTES = 64 << 10

# Makes the answer of a failure for a request with an id.
Render = Callable[[Failure, str], Answer]


def protocol_of(deadline_s: float, render: Render) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn. Each head, once begun, must be complete within `deadline_s`
    seconds, and so must the first head of a connection from when that is made."""

    class Protocol(HttpToolsProtocol):
        _head_bytes = 0
        _in_head = True
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._unset_keepalive_if_required()
            while data:
                data = self._fed(data)

        def _fed(self, data: bytes) -> bytes:
            """Feeds the parser; returns the bytes to feed next."""
            again = b""
            if self._in_head:
                self._head_bytes += len(data)
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    # No offer that could be passed over: this is no proxy.
                    self._refuse(Failure(MALFORMED_REQUEST))
                else:
                    self._head_bytes = 0
                    again = self._without_offer() + data[upgrade.args[0] :]
            except HttpParserError:
                self._refuse(Failure(MALFORMED_REQUEST))
            if self._in_head and self._head_bytes > HEAD_BYTES:
                self._refuse(Failure(HEAD_TOO_LARGE))
                return b""
            return again

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if self._timer is None:
                self._start_timer()

        def on_headers_complete(self) -> None:
            if self.parser.should_upgrade():
                return
            self._stop_timer()
            self._in_head = False
            self._head_bytes = 0
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            if self.parser.should_upgrade():
                return
            self._in_head = True
            super().on_message_complete()

        def _without_offer(self) -> bytes:
            """Passes over an offer to speak another protocol (RFC 9110 section 7.8), which Java's client
            makes with every first request. The parser takes what follows for that protocol: a new one gets
            the same head without the offer instead."""
            method, headers = self.parser.get_method(), self.headers
            kept = [header for header in headers if header[0] not in (b"connection", b"upgrade")]
            lines = [b"%s %s HTTP/1.1" % (method, self.url), *(b"%s: %s" % header for header in kept)]
            self.parser = HttpRequestParser(self)
            return b"\r\n".join(lines) + b"\r\n\r\n"

        def _start_timer(self) -> None:
            self._timer = self.loop.call_later(deadline_s, self._give_up)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            if self._head_bytes:
                self._refuse(Failure(REQUEST_TIMEOUT))
            else:
                self.transport.close()

        def _refuse(self, failure: Failure) -> None:
            if self.transport.is_closing():
                return
            if self._may_answer():
                request_id = new_id()
                self.transport.write(_last_answer(render(failure, request_id), request_id))
            self.transport.close()

        def _may_answer(self) -> bool:
            """Nothing may be written into the middle of an answer that is under way, or before it."""
            cycle = self.cycle
            if cycle is None or cycle.response_complete:
                return True
            if cycle.response_started or self.pipeline:
                return False
            # The application that waits for its body must not answer a second time.
            cycle.disconnected = True
            return True

    return Protocol


def _last_answer(answer: Answer, request_id: str) -> bytes:
    """An answer as it goes over the wire when there is no request that ASGI could answer; the last one of its
    connection."""
    headers = with_security_headers(
        [
            *entity_headers(answer),
            *answer.headers,
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
    )
    lines = [
        b"HTTP/1.1 %d %s" % (answer.status, HTTPStatus(answer.status).phrase.encode()),
        *(b"%s: %s" % header for header in headers),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + answer.body

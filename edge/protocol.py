"""HTTP/1.1 connections, with limits on everything that a client may send or leave unread.

uvicorn lets a head, the trailers of a body and a body that nobody wants grow and take their time without end;
here they have 64 KiB and a deadline, on every path. It answers the next request while the last answer is
unread; here a connection has one answer at a time. Bytes that are no HTTP are answered in JSON.

Leans on these insides of uvicorn's `HttpToolsProtocol`, which is pinned in constraints.txt:
`_unset_keepalive_if_required` (stops the timer of an idle connection, as its own `data_received` does first),
`timeout_keep_alive_task` (that timer), `parser` (the httptools parser of the connection, replaced to pass
over an upgrade), `url`, `headers` and `scope` (of the head being read; the request has these two), `flow`
(`read_paused`, `write_paused`), `cycle` (the request being answered: `response_started`, `response_complete`,
`more_body`, `keep_alive`, `disconnected`), `pipeline` (the requests that wait behind it) and
`on_response_complete` (begins the next of them). tests/unit/edge/test_protocol.py notices when they change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.lingering import LingeringTransport
from edge.middleware.security_headers import with_security_headers
from edge.presence import Presence
from edge.transcoding.asgi import Answer, Header, entity_headers, new_id, set_presence
from edge.transcoding.body import DRAIN_S, DRAINED
from edge.transcoding.status import HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT, Failure
from edge.unread import UnreadAnswers, Writing

# Bytes of a request line and its headers: more than any proxy lets through. As many may come between two
# bytes of a body and after its last: chunk sizes, their extensions, trailers.
HEAD_BYTES = 64 << 10
# Header lines of a request: each costs many times its bytes.
HEADERS = 200
_TOO_MANY_HEADERS = f"it has more than {HEADERS} header lines"
# Bytes that are parsed at once: the limits above are kept as exactly as that.
PIECE = 8 << 10
# Requests of one connection that wait for the answer to the one before.
PIPELINED = 16

# Makes the answer of a failure for a request with an id.
Render = Callable[[Failure, str], Answer]


class _Refused(Exception):
    """The head of a request is no HTTP/1.1."""


def protocol_of(deadline_s: float, render: Render) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn. Each head, once begun, must be complete within `deadline_s`
    seconds, and so must the first head of a connection from when that is made. An answer must be read in
    `deadline_s` seconds and some more for its size."""
    unread_answers = UnreadAnswers()

    class Protocol(HttpToolsProtocol):
        # Bytes since the last of a body or the end of a request.
        _overhead = 0
        _in_head = True
        _in_message = False
        # Bytes of a body that came after its request was answered.
        _unwanted = 0
        # Bytes that were received and not parsed yet.
        _waiting = b""
        _is_response_held = False
        _timer: asyncio.TimerHandle | None = None
        _lingering: LingeringTransport
        _writing: Writing

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self._lingering = LingeringTransport(transport, self.loop)
            self._writing = Writing(transport, unread_answers, deadline_s)
            self._presence = Presence()
            super().connection_made(self._lingering)
            self._start_timer(deadline_s)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            self._writing.resume()
            self._waiting = b""
            self._is_response_held = False
            super().connection_lost(exc)
            self._presence.left()
            self._lingering.ended()

        def data_received(self, data: bytes) -> None:
            if self._lingering.is_lingering:
                self._lingering.forget(len(data))
                return
            self._unset_keepalive_if_required()
            self._parse(self._waiting + data if self._waiting else data)

        def _parse(self, data: bytes) -> None:
            """Feeds the parser, until the requests that wait are enough or answers are unread."""
            self._waiting = b""
            for at in range(0, len(data), PIECE):
                if self.transport.is_closing():
                    return
                if len(self.pipeline) >= PIPELINED or self.flow.write_paused:
                    self._waiting = data[at:]
                    self.flow.pause_reading()
                    return
                piece = data[at : at + PIECE] if len(data) > PIECE else data
                while piece:
                    piece = self._fed(piece)

        def _fed(self, data: bytes) -> bytes:
            """Feeds the parser; returns the bytes to feed next."""
            again = b""
            self._overhead += len(data)
            if self._in_message and self._is_answered():
                self._unwanted += len(data)
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    # No offer that could be passed over: this is no proxy.
                    self._refuse(_malformed("its method CONNECT is for proxies"))
                else:
                    self._overhead = 0
                    again = self._without_offer() + data[upgrade.args[0] :]
            except HttpParserError as error:
                cause = error.__context__
                problem = str(cause) if isinstance(cause, _Refused) else "its syntax is wrong"
                self._refuse(_malformed(problem))
                return b""
            if self._overhead > HEAD_BYTES:
                self._refuse(Failure(HEAD_TOO_LARGE))
                return b""
            if self._unwanted > DRAINED:
                self.transport.abort()
                return b""
            if self._in_message and self._in_head:
                self._await_head()
            return again

        def _await_head(self) -> None:
            if len(self.headers) > HEADERS:
                self._refuse(_malformed(_TOO_MANY_HEADERS))
            elif self._timer is None:
                self._start_timer(deadline_s)

        def _is_answered(self) -> bool:
            return not self._in_head and self.cycle is not None and self.cycle.response_complete

        def on_message_begin(self) -> None:
            super().on_message_begin()
            set_presence(self, self._presence)
            self._in_message = self._lingering.is_sending = True
            self._unwanted = 0

        def on_headers_complete(self) -> None:
            if self.parser.should_upgrade():
                return
            if problem := _problem(self.parser.get_http_version(), self.headers):
                raise _Refused(problem)
            self._stop_timer()
            self._in_head = False
            super().on_headers_complete()
            # The request has its headers: trailers are read by nobody.
            self.headers = []

        def on_body(self, body: bytes) -> None:
            self._overhead = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            if self.parser.should_upgrade():
                return
            self._overhead = 0
            self._in_head = True
            self._in_message = self._lingering.is_sending = False
            self._stop_timer()
            super().on_message_complete()
            if self.cycle.response_complete and not self.transport.is_closing():
                # Its body came after its answer: now the connection is idle.
                self._unset_keepalive_if_required()
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def on_response_complete(self) -> None:
            if self.flow.write_paused and not self.transport.is_closing():
                # The client has to read this answer before it gets another.
                self._is_response_held = True
                return
            super().on_response_complete()
            if self._in_message and not self._in_head and not self.pipeline:
                # The rest of a body that nobody wants.
                self._stop_timer()
                self._start_timer(DRAIN_S)
            if self._waiting:
                self.flow.pause_reading()
                self.loop.call_soon(self._parse_on)

        def _parse_on(self) -> None:
            waiting = self._waiting
            if waiting and not self.transport.is_closing():
                self._parse(waiting)
                if not self._waiting:
                    self.flow.resume_reading()

        def pause_writing(self) -> None:
            super().pause_writing()
            self.flow.pause_reading()
            self._writing.pause(self.loop.call_later)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._writing.resume()
            if self._is_response_held:
                self._is_response_held = False
                self.on_response_complete()
            elif self._waiting:
                self.loop.call_soon(self._parse_on)
            else:
                self.flow.resume_reading()

        def _without_offer(self) -> bytes:
            """Passes over an offer to speak another protocol (RFC 9110 section 7.8), which Java's client
            makes with every first request. The parser takes what follows for that protocol: a new one gets
            the same head without the offer instead."""
            method, headers = self.parser.get_method(), self.headers
            kept = [header for header in headers if header[0] not in (b"connection", b"upgrade")]
            lines = [b"%s %s HTTP/1.1" % (method, self.url), *(b"%s: %s" % header for header in kept)]
            self.parser = HttpRequestParser(self)
            return b"\r\n".join(lines) + b"\r\n\r\n"

        def _start_timer(self, seconds: float) -> None:
            self._timer = self.loop.call_later(seconds, self._give_up)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            if self._in_head and self._overhead:
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
                return not self.flow.write_paused
            if cycle.response_started or self.pipeline or not cycle.more_body:
                return False
            # The application that waits for its body must not answer a second time.
            cycle.disconnected = True
            return True

    return Protocol


def _problem(version: str, headers: list[Header]) -> str:
    """The mistake in a head that the parser accepts; empty for none (RFC 9112 sections 2.3 and 3.2)."""
    if len(headers) > HEADERS:
        return _TOO_MANY_HEADERS
    if version not in ("1.0", "1.1"):
        return f"its version is HTTP/{version}, and only HTTP/1.0 and HTTP/1.1 are spoken here"
    hosts = sum(name == b"host" for name, _ in headers)
    if hosts > 1:
        return f"it has {hosts} Host headers, and one is allowed"
    if not hosts and version == "1.1":
        return "it has no Host header, which HTTP/1.1 requires"
    return ""


def _malformed(problem: str) -> Failure:
    return Failure(MALFORMED_REQUEST, {"problem": problem})


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

"""One connection: commands are answered in their order, and replies are written in groups (RFC 2920)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from edge.client_ip import UNKNOWN, ClientIp, client_ip
from edge.smtp.deadlines import Deadlines
from edge.smtp.lines import Lines
from edge.smtp.relay import Relay
from edge.smtp.replies import Refusal, Reply, reply_of
from edge.smtp.session import STOPPING, Session
from edge.smtp.trace import Tls
from edge.transcoding.status import Failure

# Bytes that wait while a command is answered; more stay with the client.
WAITING_BYTES = 64 << 10
# Seconds for a PROXY header, and for a TLS handshake.
HEAD_S = 30.0
# Seconds for a client to read its last reply, and bytes that are forgotten meanwhile.
LINGER_S = 5.0
LINGER_BYTES = 64 << 20

_log = structlog.get_logger("edge")


class Connection(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, relay: Relay, ended: Callable[[Connection], None], *, starts_tls: bool) -> None:
        """`ended` is called with the connection when it is gone; `starts_tls` is True if TLS comes first, and
        the transport is not in it yet."""
        self._relay = relay
        self._ended = ended
        self._starts_tls = starts_tls
        self._loop = asyncio.get_running_loop()
        self._lines = Lines()
        self._deadlines = Deadlines(relay.shared.settings, self._loop.time)
        self._session: Session | None = None
        self._network: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        # The answer that is waited for, or the handshake of TLS.
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._is_unread = False
        self._is_paused = False
        self._is_upgrading = False
        self._has_said_all = False
        self._is_ending = False
        self._is_lost = False
        self._forgotten = 0

    def stop(self) -> None:
        """Ends the session, once its open transaction has ended."""
        self._is_stopping = True
        if self._task is None:
            self._advance()

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._session is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        self.accept(transport, client_ip(peer[0]) if peer else UNKNOWN)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = self._is_ending = True
        if self._timer is not None:
            self._timer.cancel()
        self._lines.take()
        if self._session is not None:
            # A message that is on its way to the server is taken or not, whoever waits for the reply.
            self._session.close()
        if self._network is not None:
            self._relay.clients.left(self._network)
        self._ended(self)

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            self._forgotten += len(data)
            if self._forgotten > LINGER_BYTES:
                self._transport.abort()
            return
        self._lines.feed(data)
        if self._task is None:
            self._advance()
        self._balance()

    def eof_received(self) -> bool:
        # The client waits for its last replies, where the transport can be half open.
        self._has_said_all = True
        return self._task is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        self._is_unread = True
        self._balance()

    def resume_writing(self) -> None:
        self._is_unread = False
        if self._task is None and not self._is_ending:
            self._advance()
        self._balance()

    def take_place(self, client: ClientIp) -> Reply | None:
        """Counts the client, whose handshake may follow; the reply to one that has too many connections."""
        refused = self._relay.clients.came(client.network)
        self._network = client.network if refused is None else None
        return refused

    def accept(self, transport: asyncio.Transport, client: ClientIp) -> None:
        """Greets a client, after TLS if that comes first."""
        self._transport = transport
        self._deadlines.within(HEAD_S)
        self._tick()
        if self._network is None and (refused := self.take_place(client)) is not None:
            self._end(refused)
            return
        self._session = Session(
            self._relay.shared, client, self._lines.ahead, offers_tls=self._relay.certificate is not None
        )
        if self._starts_tls:
            self._start_tls()
        else:
            self._greet()

    def _greet(self) -> None:
        self._note_tls()
        self._deadlines.for_command()
        self._restart_timer()
        self._write([Reply(220, "", f"{self._relay.shared.settings.hostname} ESMTP ZidiMail").encoded()])

    def _advance(self) -> None:
        """Answers the lines that have come, until something has to be waited for."""
        session = self._session
        if session is None or self._is_ending:
            return
        replies: list[bytes] = []
        while self._task is None and not session.is_over and not session.wants_tls and not self._is_unread:
            answer = self._next_answer(session)
            if answer is None:
                break
            if isinstance(answer, Reply):
                replies.append(answer.encoded())
            else:
                self._deadlines.wait()
                self._task = self._loop.create_task(self._wait_for(session, answer))
        self._write(replies)
        if session.is_over:
            self._end(None)
        elif session.wants_tls:
            # Bytes that came in clear after STARTTLS may be another's (RFC 3207 section 4.2).
            self._lines.take()
            self._start_tls()
        elif self._has_said_all and self._task is None:
            self._end(None)
        elif self._task is None and replies:
            self._deadlines.for_command()

    def _next_answer(self, session: Session) -> Reply | Awaitable[Reply] | None:
        """The answer to the next line or message; None if it is not complete."""
        if session.is_in_message:
            data = self._lines.take()
            rest = session.feed(data)
            self._deadlines.for_message(len(data))
            if rest is None:
                return None
            self._lines.feed(rest)
            return session.message()
        if session.is_idle and self._is_stopping:
            return session.end(STOPPING)
        if session.is_idle and (reply := self._deadlines.over(session)) is not None:
            return session.end(reply)
        try:
            line = self._lines.next()
        except Refusal as refused:
            return session.refused(refused.reply)
        return None if line is None else session.line(line)

    async def _wait_for(self, session: Session, answer: Awaitable[Reply]) -> None:
        try:
            reply = await answer
        except Refusal as refused:
            reply = session.refused(refused.reply)
        except Exception:
            _log.exception("command failed", request_id=session.id)
            reply = reply_of(Failure("INTERNAL"), session.id)
        self._task = None
        if self._is_ending:
            session.close()
            return
        self._deadlines.for_command()
        self._write([reply.encoded()])
        self._advance()
        self._balance()

    # TLS.

    def _start_tls(self) -> None:
        self._transport.pause_reading()
        self._is_paused = True
        self._deadlines.within(HEAD_S)
        self._is_upgrading = True
        self._task = self._loop.create_task(self._upgrade())

    async def _upgrade(self) -> None:
        session, certificate = self._session, self._relay.certificate
        assert session is not None
        assert certificate is not None
        try:
            handshake = self._loop.start_tls(
                self._transport, self, certificate.context(), server_side=True, ssl_handshake_timeout=HEAD_S
            )
            transport = await handshake
        except OSError as error:
            _log.info("no TLS came about", session_id=session.id, error=type(error).__name__)
            self._transport.abort()
            # The event loop says nothing of a connection that is lost in the handshake.
            self.connection_lost(error)
            return
        finally:
            self._task = None
        if transport is None or self._is_ending:
            return
        self._transport = transport
        self._is_paused = self._is_upgrading = False
        if self._starts_tls:
            self._greet()
        else:
            self._note_tls()
        self._deadlines.for_command()
        self._restart_timer()
        self._advance()

    def _note_tls(self) -> None:
        """Lets the session know the TLS that the transport is in, if it is."""
        cipher = self._transport.get_extra_info("cipher")
        if cipher is not None and self._session is not None:
            self._session.after_tls(Tls(cipher[1], cipher[0]))

    # The transport.

    def _write(self, replies: list[bytes]) -> None:
        if replies:
            self._transport.write(replies[0] if len(replies) == 1 else b"".join(replies))

    def _balance(self) -> None:
        """Reads no more than can be answered, or than the client reads answers."""
        is_full = self._is_unread or (self._task is not None and len(self._lines) > WAITING_BYTES)
        if self._is_ending or self._is_upgrading or is_full == self._is_paused:
            return
        self._is_paused = is_full
        if is_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _end(self, reply: Reply | None) -> None:
        """Ends the connection after a reply, which the client can read although it may still send."""
        if self._is_ending:
            return
        self._is_ending = True
        if reply is not None:
            self._write([reply.encoded()])
        self._lines.take()
        self._deadlines.within(LINGER_S)
        self._restart_timer()
        if self._has_said_all or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        if self._is_paused:
            self._transport.resume_reading()

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tick()

    def _tick(self) -> None:
        session = None if self._is_ending else self._session
        left = self._deadlines.left_s(session)
        if left > 0:
            self._timer = self._loop.call_later(left, self._tick)
        elif session is None or self._task is not None:
            self._transport.abort()
        else:
            self._end(self._deadlines.reply(session))

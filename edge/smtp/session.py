"""One session: the state machine of RFC 5321 section 4.1.4, with STARTTLS and AUTH. No transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, TypeAlias

import structlog

from edge.client_ip import ClientIp
from edge.smtp import authentication, commands
from edge.smtp.backoff import Backoff
from edge.smtp.login import Login
from edge.smtp.replies import Refusal, Reply, refusal, reply_of
from edge.smtp.send import Account, Server
from edge.smtp.settings import Settings
from edge.smtp.trace import Tls, trace_of
from edge.smtp.transaction import Transaction
from edge.smtp.verbs import IS_HTTP, OF_HTTP, check_without_tls, unknown
from edge.transcoding.asgi import new_id
from edge.transcoding.status import Failure

# Octets of a command line, AUTH apart: RFC 5321 section 4.5.3.1.4, with room for all parameters.
LINE_OCTETS = 2048
# Commands with mistakes, and commands that lead nowhere, until a session is ended.
MISTAKES = 20
IDLE_COMMANDS = 200
# RCPT counts as a tenth of one: a client may name too many recipients (RFC 5321 section 4.5.3.1.10).
RCPT_PART = 0.1
# A client cannot know these before, nor what it sends in a group with their commands (RFC 2920).
_NO_MISTAKES = frozenset({451, 452, 454, 503, 550, 552, 553, 554})
# Refused AUTHs of a session.
FAILED_LOGINS = 3

_OK = Reply(250, "2.0.0", "OK")
_GOODBYE = Reply(221, "2.0.0", "Goodbye")
TOO_MANY_MISTAKES = Reply(421, "4.7.0", "Too many mistakes: read the replies, and connect again.")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands without a message: connect again.")
STOPPING = Reply(421, "4.3.2", "The service stops now: connect again.")
_NEEDS_LOGIN = Failure("MISSING_CREDENTIALS")

# A reply, or one that has to be waited for.
Answer: TypeAlias = Reply | Awaitable[Reply]


class Shared(NamedTuple):
    """The parts that all sessions of a relay share."""

    settings: Settings
    server: Server
    backoff: Backoff


class Session:
    """A session with one client. The connection calls it with one line at a time, never while it answers.

    `tls` is that of the connection, None without. `transaction` is open between MAIL and its end; while its
    `content` is set, what comes belongs to the message. `is_over` is True after the last reply, and
    `wants_tls` after STARTTLS.
    """

    def __init__(
        self, shared: Shared, client: ClientIp, ahead: Callable[[], Iterator[bytes]], *, offers_tls: bool
    ) -> None:
        """`ahead` gives the lines that have come already; `offers_tls` is True where STARTTLS can be had."""
        self._shared = shared
        self._settings = shared.settings
        self._offers_tls = offers_tls
        self._ahead = ahead
        self._login: Login | None = None
        self._failed_logins = 0
        self._mistakes = 0
        self._idle_commands = 0.0
        self._is_extended = False
        self._log = structlog.get_logger("edge").bind()
        self.client = client
        self.id = new_id()
        self.helo: str | None = None
        self.account: Account | None = None
        self.tls: Tls | None = None
        self.transaction: Transaction | None = None
        self.is_over = False
        self.wants_tls = False

    @property
    def is_idle(self) -> bool:
        """True if no transaction is open."""
        return self.transaction is None

    @property
    def is_in_message(self) -> bool:
        """True if what comes belongs to a message."""
        return self.transaction is not None and self.transaction.content is not None

    def line(self, line: bytes) -> Answer:
        """Answers one line, which has no end of line."""
        try:
            if self._login is not None:
                return self._login_step(line)
            return self._command(line)
        except Refusal as refused:
            return self.refused(refused.reply)

    def refused(self, reply: Reply) -> Reply:
        """The reply to a command with a mistake, or the last reply when there were too many."""
        self._login = None
        if reply.code not in _NO_MISTAKES:
            self._mistakes += 1
            if self._mistakes >= MISTAKES:
                return self.end(TOO_MANY_MISTAKES)
        return reply

    def end(self, reply: Reply) -> Reply:
        """Ends the session with a reply."""
        self.is_over = True
        return reply

    def after_tls(self, tls: Tls) -> None:
        """TLS has begun: all that was said before is forgotten (RFC 3207 section 4.2)."""
        self.wants_tls = False
        self.tls = tls
        self.helo = None

    def feed(self, data: bytes) -> bytes | None:
        """Takes bytes of the message. Returns those after its end, or None while it goes on."""
        assert self.transaction is not None
        assert self.transaction.content is not None
        return self.transaction.content.feed(data)

    def message(self) -> Answer:
        """Answers the end of a message."""
        transaction, self.transaction = self.transaction, None
        assert transaction is not None
        self._idle_commands = 0.0
        return transaction.finish()

    def close(self) -> None:
        """The connection is gone."""
        if self.transaction is not None:
            self.transaction.close()
            self.transaction = None

    def _command(self, line: bytes) -> Answer:
        if len(line) > LINE_OCTETS and line[:5].upper() != b"AUTH ":
            raise refusal(500, "5.5.6", f"The command is too long: at most {LINE_OCTETS} octets are read.")
        command = commands.command(line)
        handler = _HANDLERS.get(command.verb)
        if handler is None:
            if command.verb in OF_HTTP:
                return self.end(IS_HTTP)
            raise unknown(command.verb)
        if self._settings.require_tls and self.tls is None:
            check_without_tls(command.verb)
        self._idle_commands += RCPT_PART if command.verb == "RCPT" else 1
        if self._idle_commands > IDLE_COMMANDS:
            return self.end(TOO_MANY_COMMANDS)
        return handler(self, command.argument)

    def _ehlo(self, argument: str) -> Reply:
        self._helo(argument)
        self._is_extended = True
        size = self._settings.message_limit if self.account is None else self.account.message_bytes
        lines = [self._settings.hostname, "PIPELINING", "8BITMIME", "SMTPUTF8", f"SIZE {size}", "DSN"]
        lines.append("ENHANCEDSTATUSCODES")
        if self.tls is None and self._offers_tls:
            lines.append("STARTTLS")
        if self.account is None and (self.tls is not None or not self._settings.require_tls):
            lines.append(f"AUTH {' '.join(authentication.MECHANISMS)}")
        return Reply(250, "", "\n".join(lines))

    def _helo(self, argument: str) -> Reply:
        self.helo = commands.hello(argument)
        self._is_extended = False
        self._drop_transaction()
        return Reply(250, "", self._settings.hostname)

    def _starttls(self, argument: str) -> Reply:
        if not self._offers_tls or self.tls is not None:
            raise refusal(502, "5.5.1", "STARTTLS is not offered here.")
        if argument:
            raise refusal(501, "5.5.4", "STARTTLS takes no parameter.")
        if self.account is not None or not self.is_idle:
            raise refusal(503, "5.5.1", "STARTTLS comes before AUTH and MAIL.")
        self.wants_tls = True
        return Reply(220, "2.0.0", "Ready to start TLS")

    def _auth(self, argument: str) -> Answer:
        self._check_hello()
        if self.account is not None or not self.is_idle:
            raise refusal(503, "5.5.1", "The session is authenticated already, or a transaction is open.")
        if not argument:
            raise refusal(501, "5.5.4", "AUTH needs a mechanism, such as AUTH PLAIN.")
        self._login = Login(argument, self._shared.server, self._shared.backoff, self.client)
        return self._login_step(None)

    def _login_step(self, line: bytes | None) -> Answer:
        login = self._login
        assert login is not None
        reply = login.step(line)
        if reply is not None:
            return reply
        self._login = None
        return self._finish_login(login)

    async def _finish_login(self, login: Login) -> Reply:
        try:
            self.account = await login.account()
        except Refusal as refused:
            reply = refused.reply
            self._log.info(
                "authentication refused",
                request_id=login.id,
                client=self.client.address,
                code=reply.code,
                status=reply.status,
            )
            if reply.code < 500:
                return reply
            self._failed_logins += 1
            return self.end(reply) if self._failed_logins >= FAILED_LOGINS else reply
        self._mistakes = 0
        return Reply(235, "2.7.0", "Authenticated")

    def _mail(self, argument: str) -> Answer:
        self._check_hello()
        if self.account is None:
            raise Refusal(reply_of(_NEEDS_LOGIN, self.id))
        if self.transaction is not None:
            raise refusal(503, "5.5.1", "A transaction is open already: end it with RSET.")
        mail = commands.mail(argument)
        if mail.size is not None and mail.size > self.account.message_bytes:
            limit = {"limit": str(self.account.message_bytes)}
            raise Refusal(reply_of(Failure("MESSAGE_TOO_LARGE", limit), self.id))
        trace = trace_of(self.helo or "", self.client, self.tls, is_extended=self._is_extended)
        transaction = Transaction(self._shared.server, self.account, mail, trace)
        answer = transaction.begin(self._ahead)
        if not isinstance(answer, Reply):
            return self._opened(transaction, answer)
        self.transaction = transaction
        return answer

    async def _opened(self, transaction: Transaction, answer: Awaitable[Reply]) -> Reply:
        reply = await answer
        self.transaction = transaction
        return reply

    def _rcpt(self, argument: str) -> Answer:
        if self.transaction is None:
            raise refusal(503, "5.5.1", "RCPT comes after MAIL FROM.")
        return self.transaction.add(argument, self._ahead)

    def _data(self, argument: str) -> Reply:
        if self.transaction is None:
            raise refusal(503, "5.5.1", "DATA comes after MAIL FROM and RCPT TO.")
        if argument:
            raise refusal(501, "5.5.4", "DATA takes no parameter.")
        return self.transaction.data()

    def _rset(self, argument: str) -> Reply:
        self._drop_transaction()
        return _OK

    def _drop_transaction(self) -> None:
        if self.transaction is not None:
            self.transaction.close()
            self.transaction = None

    def _quit(self, argument: str) -> Reply:
        return self.end(_GOODBYE)

    def _noop(self, argument: str) -> Reply:
        return _OK

    def _help(self, argument: str) -> Reply:
        return Reply(214, "2.0.0", "Mail is sent with EHLO, AUTH, MAIL, RCPT, DATA: RFC 5321 and RFC 6409.")

    def _vrfy(self, argument: str) -> Reply:
        # An answer would show who has an account here (RFC 5321 section 7.3).
        return Reply(252, "2.0.0", "Addresses are not verified: send the mail, and follow its events.")

    def _check_hello(self) -> None:
        if self.helo is None:
            raise refusal(503, "5.5.1", "EHLO comes first.")


_HANDLERS: dict[str, Callable[[Session, str], Answer]] = {
    "EHLO": Session._ehlo,
    "HELO": Session._helo,
    "STARTTLS": Session._starttls,
    "AUTH": Session._auth,
    "MAIL": Session._mail,
    "RCPT": Session._rcpt,
    "DATA": Session._data,
    "RSET": Session._rset,
    "QUIT": Session._quit,
    "NOOP": Session._noop,
    "HELP": Session._help,
    "VRFY": Session._vrfy,
}

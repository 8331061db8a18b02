"""An SMTP session of the client: messages, one after the other, on one connection (RFC 5321, RFC 2920).

A failure of the connection has one of two results. Before the message was sent completely it is
`AttemptFailed`, and the message may be sent to another host at once; after that it is an outcome with
`uncertain`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server import failpoints
from server.delivery.smtp.connection import ConnectionLost, SmtpConnection
from server.delivery.smtp.replies import Reply
from server.delivery.smtp.stuffing import stuffed
from server.delivery.smtp.target import AttemptFailed, Channel, Target, Timeouts
from server.delivery.transport import CommitHooks, OutgoingMessage, Pieces
from server.delivery.verdict import (
    Outcome,
    Stage,
    demands_tls,
    impossible,
    is_too_many,
    judge,
    unanswered,
    unfit,
    unreachable,
)
from server.message.encoding import Uncomposable, address_text
from server.message.seven_bit import Inconvertible

_BEYOND_ASCII = "this host does not take addresses beyond US-ASCII (SMTPUTF8)"


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one transaction.

    `rest` are the recipients that the host did not take together with the others: they have no outcome yet,
    and need a transaction of their own.
    """

    outcomes: dict[int, Outcome]
    rest: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The commands and the content of one transaction, in the form that the host takes."""

    mail: bytes
    paths: dict[int, bytes]
    content: Pieces


class Session:
    """A connection that is ready for MAIL, opened by `server.delivery.smtp.handshake.connect`."""

    def __init__(
        self,
        connection: SmtpConnection,
        target: Target,
        features: Mapping[str, str],
        channel: Channel,
        timeouts: Timeouts,
    ) -> None:
        self._connection = connection
        self._features = features
        self._is_pipelined = "PIPELINING" in features
        self._channel = channel
        self._timeouts = timeouts
        # True while the last transaction is unfinished, so that the next one needs a RSET.
        self._needs_reset = False
        self.target = target
        self.opened_at = asyncio.get_running_loop().time()
        self.messages = 0

    @property
    def is_idle(self) -> bool:
        """True if the session can send another message."""
        return self._connection.is_idle

    def abort(self) -> None:
        """Aborts the connection."""
        self._connection.end("aborted")

    def quit(self) -> None:
        """Sends QUIT and closes the connection without waiting for the reply."""
        self._connection.quit()

    async def send(self, message: OutgoingMessage, recipients: Mapping[int, str], hooks: CommitHooks) -> Sent:
        """Sends a message in one transaction; the recipients are named by their numbers.

        Raises `AttemptFailed`, and aborts the connection and raises the error if one of the `hooks` does.
        """
        decided: dict[int, Outcome] = {}
        try:
            content = await self._content(message)
            if self._needs_reset and not self._is_pipelined:
                await self._reply(b"RSET", self._timeouts.mail)
                self._needs_reset = False
            # The last wait before MAIL: neither a conversion nor a slow host comes between (C-86).
            decided.update(await hooks.before_mail(tuple(recipients)))
            left = {no: address for no, address in recipients.items() if no not in decided}
            if isinstance(content, Outcome):
                return Sent(decided | dict.fromkeys(left, content))
            envelope = self._envelope(message, content, left, decided)
            if envelope is None:
                return Sent(decided)
            self.messages += 1
            return await self._transact(envelope, decided, hooks)
        except ConnectionLost as lost:
            self.abort()
            raise AttemptFailed(unreachable("4.4.2", str(lost), self.target.display_name), decided) from None
        except BaseException:
            self.abort()
            raise

    async def _content(self, message: OutgoingMessage) -> Pieces | Outcome:
        """The message in a form that this host takes, or the outcome for all recipients if there is none."""
        content = message.pieces(utf8="SMTPUTF8" in self._features)
        if content is None:
            return unfit("5.6.7", _BEYOND_ASCII, self.target.display_name)
        if "8BITMIME" in self._features or all(bytes(piece).isascii() for piece in content):
            return content
        try:
            return await asyncio.to_thread(message.seven_bit)
        except Inconvertible as error:
            text = f"this host takes no 8-bit text (8BITMIME), and {error}"
            return unfit("5.6.3", text, self.target.display_name)

    def _envelope(
        self,
        message: OutgoingMessage,
        content: Pieces,
        recipients: Mapping[int, str],
        decided: dict[int, Outcome],
    ) -> _Envelope | None:
        """The envelope for the recipients that this host can serve; the others get outcomes in `decided`."""
        paths: dict[int, bytes] = {}
        for no, address in recipients.items():
            try:
                path = address_text(address)
            except Uncomposable as error:
                decided[no] = impossible("5.1.3", str(error))
                continue
            if path.isascii() or "SMTPUTF8" in self._features:
                paths[no] = path.encode()
            else:
                decided[no] = unfit("5.6.7", _BEYOND_ASCII, self.target.display_name)
        size = sum(map(len, content))
        limit = self._features.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < size:
            text = f"the message has {size} bytes, and this host takes at most {limit}"
            decided.update(dict.fromkeys(paths, unfit("5.3.4", text, self.target.display_name)))
            return None
        return _Envelope(self._mail(message, paths, size), paths, content) if paths else None

    def _mail(self, message: OutgoingMessage, paths: Mapping[int, bytes], size: int) -> bytes:
        mail = b"MAIL FROM:<%b>" % message.sender.encode()
        if "SIZE" in self._features:
            mail += b" SIZE=%d" % size
        utf8 = message.needs_utf8 or not message.sender.isascii()
        utf8 = "SMTPUTF8" in self._features and (utf8 or not all(map(bytes.isascii, paths.values())))
        if utf8:
            mail += b" SMTPUTF8"
        if "8BITMIME" in self._features and (utf8 or not message.content.isascii()):
            mail += b" BODY=8BITMIME"
        return mail

    async def _transact(self, envelope: _Envelope, decided: dict[int, Outcome], hooks: CommitHooks) -> Sent:
        """One transaction. Puts outcomes into `decided` as they become known."""
        paths = envelope.paths
        rcpts = [b"RCPT TO:<%b>" % path for path in paths.values()]
        pipelined = self._is_pipelined
        if pipelined:
            reset = [b"RSET"] if self._needs_reset else []
            self._connection.write(b"\r\n".join((*reset, envelope.mail, *rcpts, b"DATA\r\n")))
        if self._needs_reset:
            await self._reply(None, self._timeouts.mail)
        self._needs_reset = True
        reply = await self._reply(None if pipelined else envelope.mail, self._timeouts.mail)
        failpoints.hit("smtp.after_mail")
        if not reply.is_success:
            decided.update(dict.fromkeys(paths, self._refusal(reply, Stage.MAIL, {})))
            if pipelined:
                await self._skip(len(rcpts))
            return Sent(decided)
        accepted: list[int] = []
        rest: list[int] = []
        for no, rcpt in zip(paths, rcpts, strict=True):
            reply = await self._reply(None if pipelined else rcpt, self._timeouts.rcpt)
            if reply.is_success:
                accepted.append(no)
            elif accepted and is_too_many(reply.code, reply.status):
                rest.append(no)
            else:
                decided[no] = self._refusal(reply, Stage.RCPT, decided)
        if not accepted:
            if pipelined:
                await self._skip(0)
            return Sent(decided)
        reply = await self._reply(None if pipelined else b"DATA", self._timeouts.data)
        if reply.code // 100 == 3:
            outcome = await self._send_content(envelope.content, accepted, hooks)
        else:
            outcome = self._refusal(reply, Stage.DATA, decided)
        decided.update(dict.fromkeys(accepted, outcome))
        if outcome.is_open or outcome.uncertain:
            # Another transaction with this host would most likely end like this one.
            shared = outcome if outcome.is_open else unreachable(outcome.status, outcome.text, outcome.host)
            decided.update(dict.fromkeys(rest, shared))
            rest = []
        return Sent(decided, rest)

    async def _skip(self, rcpts: int) -> None:
        """Reads the replies to the RCPTs and the DATA of a transaction that is decided already."""
        try:
            for _ in range(rcpts):
                await self._reply(None, self._timeouts.rcpt)
            reply = await self._reply(None, self._timeouts.data)
        except ConnectionLost:
            return
        if reply.code // 100 == 3:
            self.abort()  # the server waits for a message without recipients

    async def _send_content(self, content: Pieces, accepted: Sequence[int], hooks: CommitHooks) -> Outcome:
        if not await self._write(content):
            return self._interrupted()
        await hooks.before_commit(accepted)
        if not self._connection.is_idle:
            hooks.commit_withdrawn(accepted)
            return self._interrupted()
        failpoints.hit("smtp.before_dot")
        self._connection.write(b".\r\n")
        failpoints.hit("smtp.after_dot")
        try:
            reply = await self._connection.reply(self._timeouts.dot)
        except ConnectionLost as lost:
            outcome = unanswered(str(lost), self.target.display_name)
        else:
            self._needs_reset = False
            outcome = self._outcome(reply, Stage.DOT)
            if reply.code == 421:
                self.abort()
        if outcome.is_open:
            hooks.commit_withdrawn(accepted)
        else:
            hooks.after_commit(dict.fromkeys(accepted, outcome))
        return outcome

    async def _write(self, content: Pieces) -> bool:
        """Sends the content up to the dot; False if the connection broke or the host replied before that."""
        is_first = True
        for chunk in stuffed(content):
            if not is_first:
                await self._connection.heard()
            is_first = False
            if not self._connection.is_idle:
                return False
            self._connection.write(chunk)
            try:
                await self._connection.drained(self._timeouts.block)
            except ConnectionLost:
                return False
        return True

    def _interrupted(self) -> Outcome:
        """The outcome of a reply before the dot, which ends the connection. Raises `ConnectionLost`."""
        reply, failure = self._connection.early_reply, self._connection.failure
        self.abort()
        if reply is None:
            raise ConnectionLost(failure or "connection is closing")
        return self._outcome(reply, Stage.DATA)

    def _refusal(self, reply: Reply, stage: Stage, decided: Mapping[int, Outcome]) -> Outcome:
        """The outcome of a refusal. Raises `AttemptFailed` if the host closes the connection (421)."""
        outcome = self._outcome(reply, stage)
        if reply.code == 421:
            self.abort()
            raise AttemptFailed(outcome, dict(decided))
        return outcome

    def _outcome(self, reply: Reply, stage: Stage) -> Outcome:
        host = self.target.display_name
        if reply.is_success and stage is not Stage.DOT:
            # A success code before the message was sent: the server has no message.
            return unreachable("4.5.0", f"unexpected reply {reply.code} {reply.text}", host)
        may_pass = self._channel is Channel.FALLEN_BACK or (
            self._channel is Channel.CLEAR and demands_tls(reply.code, reply.status, reply.text)
        )
        return judge(stage, reply.code, reply.status, reply.text, host, may_pass=may_pass)

    async def _reply(self, command: bytes | None, timeout_s: float) -> Reply:
        """The reply to a command, which is sent first unless it was pipelined (None)."""
        if command is None:
            return await self._connection.reply(timeout_s)
        return await self._connection.command(command, timeout_s)

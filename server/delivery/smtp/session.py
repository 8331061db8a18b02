"""An SMTP session of the client: messages, one after the other, on one connection (RFC 5321, RFC 2920).

A failure of the connection has one of two results. Before the message was sent completely it is
`AttemptFailed`, and the message may be sent to another host at once; after that it is an outcome with
`uncertain`.
"""

import asyncio
from collections.abc import Mapping

from server import failpoints
from server.delivery.smtp.connection import ConnectionLost, SmtpConnection
from server.delivery.smtp.replies import Reply
from server.delivery.smtp.target import AttemptFailed, Target, Timeouts
from server.delivery.transport import CommitHooks, OutgoingMessage
from server.delivery.verdict import Outcome, Stage, Verdict, impossible, judge, unanswered, unreachable
from server.message.encoding import Uncomposable, address_text

_CHUNK = 262_144


class Session:
    """A connection that is ready for MAIL, opened by `server.delivery.smtp.handshake.connect`."""

    def __init__(
        self, connection: SmtpConnection, target: Target, features: Mapping[str, str], timeouts: Timeouts
    ) -> None:
        self._connection = connection
        self._target = target
        self._features = features
        self._timeouts = timeouts
        # True while the last transaction is unfinished, so that the next one needs a RSET.
        self._needs_reset = False
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

    async def send(
        self, message: OutgoingMessage, recipients: Mapping[int, str], hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """Sends a message; the outcome for each recipient, by its number.

        Raises `AttemptFailed`, and aborts the connection and raises the error if `hooks.before_commit` does.
        """
        decided, paths = self._servable(message, recipients)
        if not paths:
            return decided
        self.messages += 1
        try:
            return await self._transact(message, paths, decided, hooks)
        except ConnectionLost as lost:
            self.abort()
            raise AttemptFailed(unreachable("4.4.2", str(lost), self._target.display_name), decided) from None
        except BaseException:
            self.abort()
            raise

    def _servable(
        self, message: OutgoingMessage, recipients: Mapping[int, str]
    ) -> tuple[dict[int, Outcome], dict[int, bytes]]:
        """The recipients that this host cannot serve, with their outcomes, and the paths of the others."""
        limit = self._features.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < len(message.content):
            text = f"the message has {len(message.content)} bytes, and this host takes at most {limit}"
            return dict.fromkeys(recipients, impossible("5.3.4", text, self._target.display_name)), {}
        decided: dict[int, Outcome] = {}
        paths: dict[int, bytes] = {}
        utf8 = "SMTPUTF8" in self._features
        shared = message.needs_utf8 or not message.sender.isascii()
        for no, address in recipients.items():
            try:
                path = address_text(address)
            except Uncomposable as error:
                decided[no] = impossible("5.1.3", str(error))
                continue
            if (shared or not path.isascii()) and not utf8:
                text = "this host does not take addresses beyond US-ASCII (SMTPUTF8)"
                decided[no] = impossible("5.6.7", text, self._target.display_name)
            else:
                paths[no] = path.encode()
        return decided, paths

    async def _transact(
        self,
        message: OutgoingMessage,
        paths: Mapping[int, bytes],
        decided: dict[int, Outcome],
        hooks: CommitHooks,
    ) -> dict[int, Outcome]:
        mail = self._mail(message, paths)
        rcpts = [b"RCPT TO:<%b>" % path for path in paths.values()]
        pipelined = "PIPELINING" in self._features
        if pipelined:
            reset = [b"RSET"] if self._needs_reset else []
            self._connection.write(b"\r\n".join((*reset, mail, *rcpts, b"DATA\r\n")))
        if self._needs_reset:
            await self._reply(None if pipelined else b"RSET", self._timeouts.mail)
        self._needs_reset = True
        reply = await self._reply(None if pipelined else mail, self._timeouts.mail)
        self._check_open(reply, Stage.MAIL, decided)
        failpoints.hit("smtp.after_mail")
        refused = None if reply.code == 250 else self._outcome(reply, Stage.MAIL)
        if refused is not None and not pipelined:
            return decided | dict.fromkeys(paths, refused)
        accepted: list[int] = []
        for no, rcpt in zip(paths, rcpts, strict=True):
            reply = await self._reply(None if pipelined else rcpt, self._timeouts.rcpt)
            if refused is not None:
                decided[no] = refused
            elif reply.code in (250, 251):
                accepted.append(no)
            else:
                self._check_open(reply, Stage.RCPT, decided)
                decided[no] = self._outcome(reply, Stage.RCPT)
        if not accepted and not pipelined:
            return decided
        reply = await self._reply(None if pipelined else b"DATA", self._timeouts.data)
        if not accepted:
            if reply.code == 354:
                self.abort()  # the server waits for a message without recipients
            return decided
        self._check_open(reply, Stage.DATA, decided)
        if reply.code != 354:
            return decided | dict.fromkeys(accepted, self._outcome(reply, Stage.DATA))
        return decided | await self._send_content(message.content, accepted, decided, hooks)

    async def _send_content(
        self, content: bytes, accepted: list[int], decided: dict[int, Outcome], hooks: CommitHooks
    ) -> dict[int, Outcome]:
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        for start in range(0, len(stuffed), _CHUNK):
            self._connection.write(stuffed[start : start + _CHUNK])
            await self._connection.drained(self._timeouts.block)
        await hooks.before_commit(accepted)
        if not self._connection.is_idle:
            hooks.commit_withdrawn(accepted)
            if self._connection.early_reply is None:
                raise ConnectionLost(self._connection.failure or "connection is closing")
            outcome = self._outcome(self._connection.early_reply, Stage.GREETING)
            self.abort()
            raise AttemptFailed(outcome, decided)
        failpoints.hit("smtp.before_dot")
        self._connection.write(b".\r\n")
        failpoints.hit("smtp.after_dot")
        try:
            reply = await self._connection.reply(self._timeouts.dot)
        except ConnectionLost as lost:
            outcome = unanswered(str(lost), self._target.display_name)
        else:
            self._needs_reset = False
            outcome = self._outcome(reply, Stage.DOT)
            if reply.code == 421:
                self.abort()
        outcomes = dict.fromkeys(accepted, outcome)
        hooks.after_commit(outcomes)
        return outcomes

    def _mail(self, message: OutgoingMessage, paths: Mapping[int, bytes]) -> bytes:
        mail = b"MAIL FROM:<%b>" % message.sender.encode()
        if "SIZE" in self._features:
            mail += b" SIZE=%d" % len(message.content)
        utf8 = message.needs_utf8 or not message.sender.isascii()
        utf8 = utf8 or not all(map(bytes.isascii, paths.values()))
        if utf8:
            mail += b" SMTPUTF8"
        if "8BITMIME" in self._features and (utf8 or not message.content.isascii()):
            mail += b" BODY=8BITMIME"
        return mail

    def _check_open(self, reply: Reply, stage: Stage, decided: Mapping[int, Outcome]) -> None:
        """Raises `AttemptFailed` if the reply says that the host closes the connection (421)."""
        if reply.code == 421:
            self.abort()
            raise AttemptFailed(self._outcome(reply, stage), dict(decided))

    def _outcome(self, reply: Reply, stage: Stage) -> Outcome:
        outcome = judge(stage, reply.code, reply.status, reply.text, self._target.display_name)
        if outcome.verdict is Verdict.DELIVERED and stage is not Stage.DOT:
            # A success code before the message was sent: the server has no message.
            return unreachable(
                "4.5.0", f"unexpected reply {reply.code} {reply.text}", self._target.display_name
            )
        return outcome

    async def _reply(self, command: bytes | None, timeout_s: float) -> Reply:
        """The reply to a command, which is sent first unless it was pipelined (None)."""
        if command is None:
            return await self._connection.reply(timeout_s)
        return await self._connection.command(command, timeout_s)

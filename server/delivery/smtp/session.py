"""An SMTP session as a client: messages, one after the other, over one connection (RFC 5321, RFC 2920).

Everything the other side can do wrong ends in one of two ways: `AttemptFailed`, before the message was
completely sent, so that it may be tried elsewhere at once; or an outcome that says `uncertain`, after it.
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
    """A connection that is ready for MAIL. Made by `server.delivery.smtp.handshake.connect`."""

    def __init__(
        self, connection: SmtpConnection, target: Target, features: Mapping[str, str], timeouts: Timeouts
    ) -> None:
        self._connection = connection
        self._target = target
        self._features = features
        self._timeouts = timeouts
        # Whether the last transaction was left unfinished, so that the next one needs a RSET.
        self._dirty = False
        self.opened_at = asyncio.get_running_loop().time()
        self.messages = 0

    @property
    def is_idle(self) -> bool:
        """Whether it can take another message."""
        return self._connection.is_idle

    def abort(self) -> None:
        """Breaks the connection off at once."""
        self._connection.end("aborted")

    def quit(self) -> None:
        """Says goodbye and closes, without waiting for an answer."""
        self._connection.quit()

    async def send(
        self, message: OutgoingMessage, recipients: Mapping[int, str], hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """Sends a message: the outcome for each recipient, by its number.

        Raises `AttemptFailed`; and what `hooks.before` raises, with the connection broken off.
        """
        decided, willing = self._able(message, recipients)
        if not willing:
            return decided
        self.messages += 1
        try:
            return await self._transact(message, willing, decided, hooks)
        except ConnectionLost as lost:
            self.abort()
            raise AttemptFailed(unreachable("4.4.2", str(lost), self._target.display_name), decided) from None
        except BaseException:
            self.abort()
            raise

    def _able(
        self, message: OutgoingMessage, recipients: Mapping[int, str]
    ) -> tuple[dict[int, Outcome], dict[int, bytes]]:
        """The recipients that this host cannot serve, with their outcomes, and the paths of the others."""
        limit = self._features.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < len(message.content):
            text = f"the message has {len(message.content)} bytes, and this host takes at most {limit}"
            return dict.fromkeys(recipients, impossible("5.3.4", text, self._target.display_name)), {}
        decided: dict[int, Outcome] = {}
        willing: dict[int, bytes] = {}
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
                willing[no] = path.encode()
        return decided, willing

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
            reset = [b"RSET"] if self._dirty else []
            self._connection.write(b"\r\n".join((*reset, mail, *rcpts, b"DATA\r\n")))
        if self._dirty:
            await self._answer(None if pipelined else b"RSET", self._timeouts.mail)
        self._dirty = True
        reply = await self._answer(None if pipelined else mail, self._timeouts.mail)
        self._check_open(reply, Stage.MAIL, decided)
        failpoints.hit("smtp.after_mail")
        refused = None if reply.code == 250 else self._judged(reply, Stage.MAIL)
        if refused is not None and not pipelined:
            return decided | dict.fromkeys(paths, refused)
        accepted: list[int] = []
        for no, rcpt in zip(paths, rcpts, strict=True):
            reply = await self._answer(None if pipelined else rcpt, self._timeouts.rcpt)
            if refused is not None:
                decided[no] = refused
            elif reply.code in (250, 251):
                accepted.append(no)
            else:
                self._check_open(reply, Stage.RCPT, decided)
                decided[no] = self._judged(reply, Stage.RCPT)
        if not accepted and not pipelined:
            return decided
        reply = await self._answer(None if pipelined else b"DATA", self._timeouts.data)
        if not accepted:
            if reply.code == 354:
                self.abort()  # it waits for a message to nobody
            return decided
        self._check_open(reply, Stage.DATA, decided)
        if reply.code != 354:
            return decided | dict.fromkeys(accepted, self._judged(reply, Stage.DATA))
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
        await hooks.before(accepted)
        if not self._connection.is_idle:
            hooks.withdrawn(accepted)
            if self._connection.early_reply is None:
                raise ConnectionLost(self._connection.failure or "connection is closing")
            outcome = self._judged(self._connection.early_reply, Stage.GREETING)
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
            self._dirty = False
            outcome = self._judged(reply, Stage.DOT)
            if reply.code == 421:
                self.abort()
        outcomes = dict.fromkeys(accepted, outcome)
        hooks.after(outcomes)
        return outcomes

    def _mail(self, message: OutgoingMessage, paths: Mapping[int, bytes]) -> bytes:
        mail = b"MAIL FROM:<%b>" % message.sender.encode()
        if "SIZE" in self._features:
            mail += b" SIZE=%d" % len(message.content)
        if message.needs_utf8 or not message.sender.isascii() or not all(map(bytes.isascii, paths.values())):
            mail += b" SMTPUTF8"
            if "8BITMIME" in self._features:
                mail += b" BODY=8BITMIME"
        return mail

    def _check_open(self, reply: Reply, stage: Stage, decided: Mapping[int, Outcome]) -> None:
        """Raises `AttemptFailed` if the reply says that the host closes the connection (421)."""
        if reply.code == 421:
            self.abort()
            raise AttemptFailed(self._judged(reply, stage), dict(decided))

    def _judged(self, reply: Reply, stage: Stage) -> Outcome:
        outcome = judge(stage, reply.code, reply.status, reply.text, self._target.display_name)
        if outcome.verdict is Verdict.DELIVERED and stage is not Stage.DOT:
            # A success code where another one was due: nobody has the message.
            return unreachable(
                "4.5.0", f"unexpected reply {reply.code} {reply.text}", self._target.display_name
            )
        return outcome

    async def _answer(self, command: bytes | None, timeout_s: float) -> Reply:
        """The reply to a command; None if the command was sent ahead."""
        if command is None:
            return await self._connection.reply(timeout_s)
        return await self._connection.command(command, timeout_s)

"""One transaction: the envelope, which the server is asked about, then the message, which it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import TypeAlias

import structlog
from zidimail.v1 import email_service_pb2 as pb

from edge.smtp import commands
from edge.smtp.commands import Address, Mail
from edge.smtp.content import Content
from edge.smtp.replies import Refusal, Reply, recipient_reply, refusal, reply_of, sender_reply
from edge.smtp.send import Account, Server
from edge.transcoding.asgi import new_id
from edge.transcoding.invoke import Caller
from edge.transcoding.status import Failure

# The most recipients that an email has.
RECIPIENTS = 50

# The lines that have come and are not answered yet.
Ahead: TypeAlias = Callable[[], Iterator[bytes]]

_SENDER_OK = Reply(250, "2.1.0", "OK")
_RECIPIENT_OK = Reply(250, "2.1.5", "OK")
_GO_ON = Reply(354, "", "End the message with a line that holds a dot alone")
_BARE = Reply(
    554, "5.6.0", "The message has a CR or LF that stands alone: each of its lines must end with CRLF."
)
_DISK = Reply(452, "4.3.1", "The message could not be kept on disk. Try again later.")


class Transaction:
    """A transaction. `content` is set from DATA on."""

    def __init__(self, server: Server, account: Account, mail: Mail, trace: pb.Trace) -> None:
        self._server = server
        self._account = account
        self._mail = mail
        self._trace = trace
        self._id = new_id()
        self._caller = Caller(account.authorization, self._id, 0, trace.address)
        self._recipients: list[str] = []
        self._checked: Mapping[str, Failure | None] = {}
        self._log = structlog.get_logger("edge").bind()
        self.content: Content | None = None

    def begin(self, ahead: Ahead) -> Reply | Awaitable[Reply]:
        """The answer to MAIL. Raises Refusal."""
        sender = self._mail.sender
        if sender is None or (sender.is_plain and self._server.has_taken(self._caller, sender.domain)):
            return _SENDER_OK
        return self._check_sender(sender, ahead)

    async def _check_sender(self, sender: Address, ahead: Ahead) -> Reply:
        """Asks about the sender, and at once about the recipients that have come with it."""
        recipients = self._to_check(ahead)
        try:
            refused, failures = await self._server.check(self._caller, str(sender), recipients)
            if refused is not None:
                raise refused
        except Failure as failure:
            raise Refusal(sender_reply(failure, self._id)) from None
        self._server.takes(self._caller, sender.domain)
        self._checked = dict(zip(recipients, failures, strict=True))
        return _SENDER_OK

    def add(self, argument: str, ahead: Ahead) -> Reply | Awaitable[Reply]:
        """The answer to RCPT. Raises Refusal."""
        recipient = commands.rcpt(argument, utf8=self._mail.utf8)
        if len(self._recipients) >= RECIPIENTS:
            raise refusal(
                452,
                "4.5.3",
                f"Too many recipients: a message has at most {RECIPIENTS}. Send the rest another.",
            )
        if not self._needs_check(recipient):
            return self._added(str(recipient))
        if str(recipient) in self._checked:
            return self._judged(str(recipient))
        return self._check_recipients(recipient, ahead)

    async def _check_recipients(self, recipient: Address, ahead: Ahead) -> Reply:
        """Asks about the recipient, and at once about those that have come with it."""
        recipients = [str(recipient), *self._to_check(ahead)]
        try:
            _, failures = await self._server.check(self._caller, "", recipients)
        except Failure as failure:
            raise Refusal(recipient_reply(failure, self._id)) from None
        self._checked = dict(zip(recipients, failures, strict=True))
        return self._judged(str(recipient))

    def _judged(self, recipient: str) -> Reply:
        failure = self._checked[recipient]
        if failure is not None:
            raise Refusal(recipient_reply(failure, self._id))
        return self._added(recipient)

    def _added(self, recipient: str) -> Reply:
        self._recipients.append(recipient)
        return _RECIPIENT_OK

    def _needs_check(self, recipient: Address) -> bool:
        """True if the server may refuse the recipient; else nobody asks before the message is sent."""
        return self._account.is_sandbox or not recipient.is_plain

    def _to_check(self, ahead: Ahead) -> Sequence[str]:
        """The recipients to check of the RCPT commands that come next (RFC 2920)."""
        recipients: dict[str, None] = {}
        for line in ahead():
            try:
                verb, argument = commands.command(line)
                if verb != "RCPT":
                    break
                recipient = commands.rcpt(argument, utf8=self._mail.utf8)
            except Refusal:
                # It is refused when its turn comes.
                continue
            if self._needs_check(recipient):
                recipients[str(recipient)] = None
            if len(recipients) == RECIPIENTS:
                break
        return list(recipients)

    def data(self) -> Reply:
        """The answer to DATA. Raises Refusal."""
        if not self._recipients:
            raise refusal(554, "5.5.1", "No recipient was accepted: RCPT TO comes before DATA.")
        self.content = Content(self._account.message_bytes)
        return _GO_ON

    def finish(self) -> Reply | Awaitable[Reply]:
        """The answer to the message, whose end has come."""
        content = self.content
        assert content is not None
        if content.is_too_large:
            limit = {"limit": str(self._account.message_bytes)}
            return self._finished(reply_of(Failure("MESSAGE_TOO_LARGE", limit), self._id), content.size)
        if content.has_bare_line_end:
            return self._finished(_BARE, content.size)
        if content.is_lost:
            return self._finished(_DISK, content.size)
        return self._send(content)

    async def _send(self, content: Content) -> Reply:
        started = perf_counter()
        size = content.size
        envelope = pb.SendRawEmailRequest(
            mail_from=str(self._mail.sender or ""), recipients=self._recipients, trace=self._trace
        )
        try:
            outcome = await self._server.send(self._caller, content, envelope)
        except Failure as failure:
            return self._finished(reply_of(failure, self._id), size, started)
        except Exception:
            self._log.exception("message failed", request_id=self._id)
            return self._finished(reply_of(Failure("INTERNAL"), self._id), size, started)
        again = " (taken before)" if outcome.replayed else ""
        return self._finished(
            Reply(250, "2.0.0", f"OK: queued as {outcome.id}{again}"), size, started, outcome.id
        )

    def _finished(
        self, reply: Reply, size: int, started: float | None = None, id: str | None = None
    ) -> Reply:
        """Logs a message that was answered; neither addresses nor texts are in the line."""
        self.close()
        self._log.info(
            "message",
            request_id=self._id,
            code=reply.code,
            status=reply.status,
            id=id,
            size=size,
            recipients=len(self._recipients),
            ms=None if started is None else round((perf_counter() - started) * 1000, 2),
            call_id=self._caller.call_id,
        )
        return reply

    def close(self) -> None:
        """Gives up the message."""
        if self.content is not None:
            self.content.close()

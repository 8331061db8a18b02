"""The calls of the server: may this key send, would this envelope be accepted, take this message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import grpc.aio
from google.rpc import status_pb2
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1.access_service_pb2 import GetCallerRequest, GetCallerResponse

from edge.channel import Channel
from edge.coalesce import Batch, Coalescer, LineFull
from edge.files_apart import varint
from edge.recent import Recent
from edge.smtp.budget import Budget
from edge.smtp.content import Content
from edge.smtp.settings import Settings
from edge.transcoding.deadline import LEAST_PACE
from edge.transcoding.invoke import Caller
from edge.transcoding.status import Failure, failure_of_error, failure_of_status

SERVICE = "zidimail.v1.EmailService"
# Messages of more bytes have a call of their own: in a shared one they would hold up the small ones.
LARGE = 256 << 10
# Seconds of a call that takes no message.
ASK_S = 15.0
# Seconds that a large message waits for its turn.
TURN_S = 240.0
# Senders' domains that are remembered, and the seconds for which they are: as long as the server itself may
# remember a key.
SENDERS = 10_000
SENDERS_S = 5.0

_CONTENT_TAG = bytes([pb.SendRawEmailRequest.DESCRIPTOR.fields_by_name["content"].number << 3 | 2])


class Account(NamedTuple):
    """A credential that may send, how large its messages may be, in bytes, and more."""

    authorization: str
    message_bytes: int
    has_smtp: bool
    is_sandbox: bool


class Outcome(NamedTuple):
    """A message that was taken: the email's id, and if an earlier one with its Idempotency-Key was meant."""

    id: str
    replayed: bool


class Server:
    """The server's methods that the relay calls. All of them raise Failure."""

    def __init__(self, channel: Channel, settings: Settings) -> None:
        self._get_caller = channel.unary("zidimail.v1.AccessService.GetCaller", GetCallerResponse)
        self._check_envelope = channel.unary(f"{SERVICE}.CheckEnvelope", pb.CheckEnvelopeResponse)
        self._send = channel.unary_of_bytes(f"{SERVICE}.SendRawEmail", pb.SendRawEmailResponse)
        batch = channel.unary_of_bytes(f"{SERVICE}.BatchSendRawEmails", pb.BatchSendRawEmailsResponse)
        self._shared = Coalescer(batch, settings.waiting_limit, Batch.of(pb.BatchSendRawEmailsRequest()))
        self._senders = Recent(SENDERS, SENDERS_S)
        self._send_deadline_s = settings.send_deadline_s
        self._large = Budget(settings.sending_limit)

    async def account(self, caller: Caller) -> Account:
        """The account of a credential that may send messages from the client's address."""
        request = GetCallerRequest(method=f"/{SERVICE}/SendRawEmail")
        try:
            found = await self._get_caller(request, timeout=ASK_S, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        return Account(caller.authorization, found.message_bytes, found.smtp, found.sandbox)

    def has_taken(self, caller: Caller, domain: str) -> bool:
        """True if mail of the caller from this domain was accepted in the last seconds."""
        return _sender_of(caller, domain) in self._senders

    def takes(self, caller: Caller, domain: str) -> None:
        """Remembers that mail of the caller from this domain is accepted; each send is judged again."""
        self._senders.add(_sender_of(caller, domain))

    async def check(
        self, caller: Caller, sender: str, recipients: Sequence[str]
    ) -> tuple[Failure | None, Sequence[Failure | None]]:
        """The reason for which the sender would be refused, and that for each recipient; None for none."""
        request = pb.CheckEnvelopeRequest(mail_from=sender, recipients=recipients)
        try:
            answer = await self._check_envelope(request, timeout=ASK_S, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        return _failure(answer.sender), [_failure(status) for status in answer.recipients]

    async def send(self, caller: Caller, content: Content, envelope: pb.SendRawEmailRequest) -> Outcome:
        """Sends a message, whose `envelope` has all but its content; done means durable (DESIGN 2.5).

        Small ones share calls with others of the same key. Sets the caller's deadline.
        """
        try:
            if content.size > LARGE:
                return await self._send_alone(caller, content, envelope)
            caller.deadline = self._deadline(content.size)
            envelope.content = content.read()
            content.close()
            return _outcome(await self._shared.send(envelope, caller))
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        except (LineFull, OSError, TimeoutError):
            raise Failure("UNAVAILABLE", retry_after_s=1) from None
        finally:
            content.close()

    async def _send_alone(
        self, caller: Caller, content: Content, envelope: pb.SendRawEmailRequest
    ) -> Outcome:
        size = content.size
        async with asyncio.timeout(TURN_S):
            await self._large.take(size)
        try:
            caller.deadline = self._deadline(size)
            # Fields may stand in any order: with the content first, its file is read into the request.
            request = content.read(_CONTENT_TAG + varint(size), envelope.SerializeToString())
            content.close()
            sent = await self._send(request, timeout=caller.seconds_left, metadata=caller.metadata)
        finally:
            self._large.give_back(size)
        return Outcome(sent.id, sent.replayed)

    def _deadline(self, size: int) -> float:
        return asyncio.get_running_loop().time() + self._send_deadline_s + size / LEAST_PACE


def _sender_of(caller: Caller, domain: str) -> str:
    return f"{caller.name}\n{domain.lower()}"


def _outcome(result: pb.BatchSendResult) -> Outcome:
    if result.HasField("error"):
        raise failure_of_status(result.error)
    if not result.HasField("sent"):
        raise Failure("INTERNAL")
    return Outcome(result.sent.id, result.sent.replayed)


def _failure(status: status_pb2.Status) -> Failure | None:
    return failure_of_status(status) if status.code else None

"""Concurrent sends of one credential become one call.

A call of the server costs about 0.4 ms whatever it carries, so the sends that arrive while a line is busy are
carried together by the next call. No send ever waits for others: an idle line sends at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, Protocol

import grpc.aio
import structlog
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.channel import Metadata, Unary
from edge.files_apart import varint
from edge.recent import Recent
from edge.transcoding.asgi import new_id
from edge.transcoding.invoke import UNKNOWN_ADDRESS, Caller, Invoke
from edge.transcoding.status import Failure, failure_of_error, failure_of_status

# The most that BatchSendEmails takes.
ITEMS = 100
# Bytes that one call carries unless a single item is larger: a batch must neither reach the message limit
# (64 MiB) nor hold up the small ones behind it for long.
BYTES = 16 << 20
# Calls in flight for one credential: one commits while the next is on its way.
CALLS = 2
# The share of the emails in flight that must wait before a second call begins: a call of few emails costs
# about as much as one of many, and whatever waits goes when the first call has landed.
SECOND_CALL = 0.5
# The most credentials remembered to need a call for each client address, and for how many seconds; then one
# refused call finds it out again.
BOUND_CREDENTIALS = 1000
BOUND_S = 60.0

_log = structlog.get_logger("edge")


class Response(Protocol):
    """The response of a method that takes a list of emails: one result for each."""

    @property
    def results(self) -> Sequence[pb.BatchSendResult]: ...


class Batch(NamedTuple):
    """The request of a method that takes a list of emails, in parts that are joined end to end.

    `tag` begins each email, and its length follows; `rest` are the request's other fields.
    """

    tag: bytes
    rest: bytes = b""

    @classmethod
    def of(cls, request: Message) -> Batch:
        """The parts of a request of this type that has a field `emails`, and these other fields."""
        # Field number and wire type 2: what follows has a length.
        tag = bytes([request.DESCRIPTOR.fields_by_name["emails"].number << 3 | 2])
        return cls(tag, request.SerializeToString())


_EMAILS = Batch.of(pb.BatchSendEmailsRequest(mode=pb.BATCH_MODE_SEPARATE))


class LineFull(Exception):
    """The queue of this credential is full: another send would only time out."""


@dataclass(slots=True, eq=False)
class _Item:
    payload: bytes
    caller: Caller
    outcome: asyncio.Future[pb.BatchSendResult]
    line: _Line


@dataclass(slots=True, eq=False)
class _Line:
    waiting: deque[_Item] = field(default_factory=deque)
    # The calls in flight, and the emails of each.
    calls: dict[asyncio.Task[None], Sequence[_Item]] = field(default_factory=dict)
    flushing: bool = False

    @property
    def may_call(self) -> bool:
        """True if what waits may go: at once on an idle line, else when it is worth another call."""
        in_flight = sum(map(len, self.calls.values()))
        return len(self.calls) < CALLS and len(self.waiting) >= SECOND_CALL * in_flight

    def cancel_unwanted(self) -> None:
        """Cancels the calls that nobody waits for any more."""
        for call in [call for call, items in self.calls.items() if all(i.outcome.done() for i in items)]:
            call.cancel()


class Coalescer:
    """Sends single emails in batches, one line for each credential; a line is forgotten when idle.

    The emails of a call may come from several client addresses. The server refuses such a call if the
    credential is bound to networks and one of the addresses is outside; nothing was done then, so each
    address gets a call of its own, and for a while a line of its own.
    """

    def __init__(self, call: Unary[Response], waiting_limit: int, batch: Batch = _EMAILS) -> None:
        """`call` takes serialised requests, whose parts are those of `batch`: BatchSendEmails' by default."""
        self._call = call
        self._batch = batch
        self._waiting_limit = waiting_limit
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._bound = Recent(BOUND_CREDENTIALS, BOUND_S)

    @property
    def lines(self) -> int:
        """The number of lines that have sends under way."""
        return len(self._lines)

    async def send(self, request: Message, caller: Caller) -> pb.BatchSendResult:
        """Sends one email and returns its own outcome.

        A caller that gives up takes nothing from the others: an email that no call has taken yet is not sent,
        and one that is under way stays so until all callers of its call give up (contract row C-94). Sets the
        caller's `call_id` if others share its call. Raises LineFull, and AioRpcError when the call failed.
        """
        name = caller.authorization
        if self._bound and name in self._bound:
            name = caller.name
        line = self._lines[name]
        if len(line.waiting) >= self._waiting_limit and len(line.calls) == CALLS:
            raise LineFull
        # Serialised requests can be joined end to end: lists are appended (protobuf encoding,
        # "Last One Wins"). So each email is serialised once, and its size is known.
        payload = self._as_batch_of_one(request.SerializeToString())
        item = _Item(payload, caller, asyncio.get_running_loop().create_future(), line)
        self._join(name, line, item)
        try:
            return await item.outcome
        except asyncio.CancelledError:
            item.line.cancel_unwanted()
            raise
        finally:
            # A failure keeps the frames that it passes, and is kept by the outcome: the email would stay.
            del request, payload, item

    def _as_batch_of_one(self, email: bytes) -> bytes:
        """A serialised request with one email: the field's tag, the length, the email. Making the message
        first would copy the email twice."""
        return b"".join((self._batch.tag, varint(len(email)), email))

    def _join(self, name: str, line: _Line, item: _Item) -> None:
        item.line = line
        line.waiting.append(item)
        if not line.flushing and line.may_call:
            # After the requests that this turn of the loop has read already, and before anything else.
            line.flushing = True
            asyncio.get_running_loop().call_soon(self._flush, name, line)

    def _flush(self, name: str, line: _Line) -> None:
        line.flushing = False
        while line.may_call and (items := _take(line.waiting)):
            task = asyncio.ensure_future(self._carry(items))
            line.calls[task] = items
            task.add_done_callback(lambda done: self._landed(name, line, done))
        if not line.calls and not line.waiting and self._lines.get(name) is line:
            del self._lines[name]

    def _landed(self, name: str, line: _Line, task: asyncio.Task[None]) -> None:
        del line.calls[task]
        if not line.flushing:
            self._flush(name, line)

    async def _carry(self, items: Sequence[_Item]) -> None:
        request = b"".join([*(item.payload for item in items), self._batch.rest])
        left = max(item.caller.seconds_left for item in items)
        started = perf_counter()
        addresses = _addresses(items)
        call_id, metadata = _metadata(items, addresses)
        code = "OK"
        try:
            response = await self._call(request, timeout=left, metadata=metadata)
        except asyncio.CancelledError:
            code = "CANCELLED"
            for item in items:
                item.outcome.cancel()
            raise
        except Exception as error:
            code = failure_of_error(error).reason if isinstance(error, grpc.aio.AioRpcError) else "INTERNAL"
            if code == "ADDRESS_NOT_ALLOWED" and len(addresses) > 1:
                self._divide(items)
                return
            # Without the frame of this call, which has all the emails.
            error = error.with_traceback(None)
            for item in items:
                if not item.outcome.done():
                    item.outcome.set_exception(error)
            return
        finally:
            if call_id is not None:
                _log_call(call_id, items, code, started)
        results = response.results
        if len(results) != len(items):
            missing = pb.BatchSendResult(
                error=status_pb2.Status(code=code_pb2.INTERNAL, message="the server left a result out")
            )
            results = [missing] * len(items)
        for item, result in zip(items, results, strict=True):
            if not item.outcome.done():
                item.outcome.set_result(result)

    def _divide(self, items: Sequence[_Item]) -> None:
        """Lets the items wait again, each in the line of its client address."""
        self._bound.add(items[0].caller.authorization)
        for item in items:
            name = item.caller.name
            line = self._lines[name]
            self._join(name, line, item)


def coalesced(coalescer: Coalescer, alone: Invoke) -> Invoke:
    """SendEmail by calls that several sends share; `alone` calls it for one."""

    async def invoke(request: pb.SendEmailRequest, caller: Caller) -> Message:
        if request.attachments:
            # Large, or waiting for a link: it would hold others up.
            return await alone(request, caller)
        try:
            result = await coalescer.send(request, caller)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        except LineFull:
            raise Failure("UNAVAILABLE", retry_after_s=1) from None
        if result.HasField("error"):
            raise failure_of_status(result.error)
        if not result.HasField("sent"):
            raise Failure("INTERNAL", {"request_id": caller.request_id})
        return result.sent

    return invoke


def _take(waiting: deque[_Item]) -> list[_Item]:
    """The next items that fit into one call; those whose callers have gone are dropped."""
    items: list[_Item] = []
    size = 0
    while waiting and len(items) < ITEMS:
        item = waiting[0]
        if not item.outcome.done():
            size += len(item.payload)
            if items and size > BYTES:
                break
            items.append(item)
        waiting.popleft()
    return items


def _addresses(items: Sequence[_Item]) -> list[str]:
    """The different client addresses of a call's items."""
    return list(dict.fromkeys(item.caller.client for item in items))


def _metadata(items: Sequence[_Item], addresses: Sequence[str]) -> tuple[str | None, Metadata]:
    """The id of a call that several items share, None for that of one, and the metadata of the call.

    At most 21 KB: 100 ids of 128 characters, 100 addresses of 45 and a credential of 4096; the server takes
    64 KiB.
    """
    caller = items[0].caller
    if len(items) == 1:
        caller.call_id = None
        return None, caller.metadata
    call_id = new_id()
    for item in items:
        item.caller.call_id = call_id
    metadata = [
        ("authorization", caller.authorization),
        ("x-request-id", call_id),
        ("x-request-ids", ",".join(item.caller.request_id for item in items)),
        ("x-client-ip", ",".join(address or UNKNOWN_ADDRESS for address in addresses)),
    ]
    return call_id, metadata


def _log_call(call_id: str, items: Sequence[_Item], code: str, started: float) -> None:
    """One line for a shared call. The access log names the call in the line of each request."""
    _log.info(
        "shared call",
        call_id=call_id,
        request_ids=[item.caller.request_id for item in items],
        code=code,
        ms=round((perf_counter() - started) * 1000, 2),
    )

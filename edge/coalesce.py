"""Concurrent sends of one credential become one call.

A call of the server costs about 0.4 ms whatever it carries, so what arrives while a line is busy is
carried together by the next call. Nothing ever waits for company: an idle line sends at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.rpc import code_pb2, status_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.channel import Metadata, Unary

ITEMS = 100
"""What BatchSendEmails takes at most."""

BYTES = 16 << 20
"""What one call carries unless a single item is larger: a batch must neither reach the message limit
(64 MiB) nor hold up the small ones behind it for long."""

CALLS = 2
"""Calls in flight for one credential: one commits while the next is on its way."""

_PERMISSIVE = pb.BatchSendEmailsRequest(mode=pb.BATCH_MODE_PERMISSIVE).SerializeToString()


class LineFull(Exception):
    """So many sends of this credential wait already that another would only time out."""


@dataclass(slots=True, eq=False)
class _Item:
    payload: bytes
    deadline: float
    metadata: Metadata
    outcome: asyncio.Future[pb.BatchSendResult]


@dataclass(slots=True, eq=False)
class _Line:
    waiting: deque[_Item] = field(default_factory=deque)
    calls: set[asyncio.Task[None]] = field(default_factory=set)
    flushing: bool = False


class Coalescer:
    """Sends single emails in batches, one line for each credential; a line is forgotten when idle."""

    def __init__(self, call: Unary[pb.BatchSendEmailsResponse], waiting_limit: int) -> None:
        """`call` is BatchSendEmails, taking serialised requests."""
        self._call = call
        self._waiting_limit = waiting_limit
        self._lines: dict[str, _Line] = {}

    @property
    def lines(self) -> int:
        """How many credentials have sends under way."""
        return len(self._lines)

    async def send(
        self, request: pb.SendEmailRequest, credential: str, metadata: Metadata, deadline: float
    ) -> pb.BatchSendResult:
        """Sends one email and returns its own outcome. The deadline is on the event loop's clock.

        Whoever gives up waiting takes nothing from the others: an email that no call has taken yet is
        not sent, one that is under way stays so. Raises LineFull, and grpc.aio.AioRpcError when the
        whole call failed.
        """
        loop = asyncio.get_running_loop()
        line = self._lines.get(credential)
        if line is None:
            line = self._lines[credential] = _Line()
        if len(line.waiting) >= self._waiting_limit and len(line.calls) == CALLS:
            raise LineFull
        # Serialised requests can be joined end to end: lists are appended (protobuf encoding,
        # "Last One Wins"). So each email is serialised once, and its size is known.
        payload = pb.BatchSendEmailsRequest(emails=[request]).SerializeToString()
        item = _Item(payload, deadline, metadata, loop.create_future())
        line.waiting.append(item)
        if not line.flushing and len(line.calls) < CALLS:
            # After the requests that this turn of the loop has read already, and before anything else.
            line.flushing = True
            loop.call_soon(self._flush, credential, line)
        return await item.outcome

    def _flush(self, credential: str, line: _Line) -> None:
        line.flushing = False
        while len(line.calls) < CALLS and (items := _take(line.waiting)):
            task = asyncio.ensure_future(self._carry(items))
            line.calls.add(task)
            task.add_done_callback(lambda done: self._landed(credential, line, done))
        if not line.calls and not line.waiting and self._lines.get(credential) is line:
            del self._lines[credential]

    def _landed(self, credential: str, line: _Line, task: asyncio.Task[None]) -> None:
        line.calls.discard(task)
        if not line.flushing:
            self._flush(credential, line)

    async def _carry(self, items: Sequence[_Item]) -> None:
        request = b"".join([*(item.payload for item in items), _PERMISSIVE])
        left = max(item.deadline for item in items) - asyncio.get_running_loop().time()
        try:
            response = await self._call(request, timeout=max(left, 0), metadata=items[0].metadata)
        except asyncio.CancelledError:
            for item in items:
                item.outcome.cancel()
            raise
        except Exception as error:
            for item in items:
                if not item.outcome.done():
                    item.outcome.set_exception(error)
            return
        results: Sequence[pb.BatchSendResult] = response.results
        if len(results) != len(items):
            missing = pb.BatchSendResult(
                error=status_pb2.Status(code=code_pb2.INTERNAL, message="the server left a result out")
            )
            results = [missing] * len(items)
        for item, result in zip(items, results, strict=True):
            if not item.outcome.done():
                item.outcome.set_result(result)


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

"""One call of the server on behalf of one HTTP request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.message import Message

from edge.channel import Metadata, Unary
from edge.transcoding.status import failure_of_error


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the Authorization header as it came, the id of the request, and when (on the event
    loop's clock, in seconds) the answer must be ready."""

    authorization: str
    request_id: str
    deadline: float

    @property
    def metadata(self) -> Metadata:
        return (("authorization", self.authorization), ("x-request-id", self.request_id))


Invoke: TypeAlias = Callable[[Any, Caller], Awaitable[Message]]
"""Calls a method with a request message for a caller. Raises Failure."""


def direct(call: Unary[Message]) -> Invoke:
    """The plain way to call a method: one request, one call."""

    async def invoke(request: Any, caller: Caller) -> Message:
        left = caller.deadline - asyncio.get_running_loop().time()
        try:
            return await call(request, timeout=left, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None

    return invoke

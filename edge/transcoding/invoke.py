"""One call of the server on behalf of one HTTP request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.message import Message
from zidimail.v1.access_service_pb2 import GetCallerRequest, GetCallerResponse

from edge.channel import Metadata, Unary
from edge.recent import Recent
from edge.transcoding.status import failure_of_error

# A client whose address the edge does not know, on a local socket for example, still has to be named.
UNKNOWN_ADDRESS = "unknown"


class Caller:
    """The client that a call is made for.

    `authorization` is its credential, empty for none; `deadline` is on the event loop's clock, in seconds;
    `client` is its address, empty if unknown. `call_id` is set when the request shares its call with others.
    """

    __slots__ = ("authorization", "call_id", "client", "deadline", "request_id")

    def __init__(self, authorization: str, request_id: str, deadline: float, client: str = "") -> None:
        self.authorization = authorization
        self.request_id = request_id
        self.deadline = deadline
        self.client = client
        self.call_id: str | None = None

    @property
    def metadata(self) -> Metadata:
        """The metadata of a call for this caller alone."""
        pairs = (("x-request-id", self.request_id), ("x-client-ip", self.client or UNKNOWN_ADDRESS))
        return (*pairs, ("authorization", self.authorization)) if self.authorization else pairs

    @property
    def name(self) -> str:
        """Equal for calls with the same credential from the same address."""
        return f"{self.authorization}\n{self.client}"

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, zero when it is over."""
        return max(self.deadline - asyncio.get_running_loop().time(), 0)


# Calls a method with a request message for a caller; an upload with an iterator of messages. Raises Failure.
Invoke: TypeAlias = Callable[[Any, Caller], Awaitable[Message]]


def direct(call: Unary[Message]) -> Invoke:
    """The plain way to call a method: one request, one call."""

    async def invoke(request: Any, caller: Caller) -> Message:
        try:
            return await call(request, timeout=caller.seconds_left, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None

    return invoke


# Raises Failure if a caller may not call a method at all.
Admit: TypeAlias = Callable[[Caller], Awaitable[None]]

_REFUSALS = frozenset(
    {
        "MISSING_CREDENTIALS",
        "INVALID_CREDENTIALS",
        "WRONG_CREDENTIAL_KIND",
        "MISSING_PERMISSION",
        "ADDRESS_NOT_ALLOWED",
        "ACCOUNT_BANNED",
    }
)


# Admitted callers that are remembered for each method, and the seconds for which they are.
ADMITTED = 1_000
ADMITTED_S = 5.0


def admission(get_caller: Unary[GetCallerResponse], method: str) -> Admit:
    """Tells whether a caller may call a method, `/package.Service/Method`, without calling it.

    Used when a request turns out to be wrong before the server has seen it: a stranger must be answered 401
    and not what is wrong with a body. Used as well before a large body is looked at (C-41); the answer holds
    for 5 seconds, as the server decides about the call itself. A server that does not answer refuses nobody.
    """
    request = GetCallerRequest(method=method)
    admitted = Recent(ADMITTED, ADMITTED_S)

    async def admit(caller: Caller) -> None:
        name = caller.name
        if name in admitted:
            return
        try:
            await get_caller(request, timeout=caller.seconds_left, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            if failure_of_error(error).reason in _REFUSALS:
                raise failure_of_error(error) from None
        else:
            admitted.add(name)

    return admit

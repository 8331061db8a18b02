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
    """Who calls: the Authorization header as it came, the id of the request, when (on the event loop's
    clock, in seconds) the answer must be ready, and the address of the client, empty if it is unknown."""

    authorization: str
    request_id: str
    deadline: float
    client: str = ""

    @property
    def metadata(self) -> Metadata:
        return (
            ("authorization", self.authorization),
            ("x-request-id", self.request_id),
            ("x-client-ip", self.client or "unknown"),
        )


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


Admit: TypeAlias = Callable[[Caller], Awaitable[None]]
"""Raises Failure if a caller may not call a method at all."""

_NO_MESSAGE = b"\xff"
"""Bytes that no message can begin with: the tag breaks off."""

_TURNED_AWAY = frozenset(
    {
        "MISSING_CREDENTIALS",
        "INVALID_CREDENTIALS",
        "WRONG_CREDENTIAL_KIND",
        "MISSING_PERMISSION",
        "ADDRESS_NOT_ALLOWED",
    }
)


def admission(call: Unary[Message]) -> Admit:
    """Asks whether a caller may call a method, without calling it; `call` takes serialised requests.

    The server looks at the credential before the message, so bytes that are no message tell the two
    apart. Wanted when a request turns out to be wrong before the server has seen it: a stranger must be
    told 401 and not what is wrong with a body (C-41).
    """

    async def admit(caller: Caller) -> None:
        left = caller.deadline - asyncio.get_running_loop().time()
        try:
            await call(_NO_MESSAGE, timeout=max(left, 0), metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            failure = failure_of_error(error)
            if failure.reason in _TURNED_AWAY:
                raise failure from None

    return admit

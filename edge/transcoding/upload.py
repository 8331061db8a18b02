"""A request body that is passed on as a stream of messages while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc.aio
from google.protobuf.message import Message

from edge.channel import ClientStream
from edge.transcoding.invoke import Caller, Invoke
from edge.transcoding.status import failure_of_error


async def messages_of(first: Message, field: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """The requests of an upload: `first`, which has the fields of path and query, with the first chunk in its
    `field`, then one with nothing else for each later chunk."""
    message = first
    async for chunk in chunks:
        setattr(message, field, chunk)
        yield message
        message = type(first)()
    if message is first:
        yield first


def upload(stream: ClientStream) -> Invoke:
    """Calls a method that takes a stream of requests and has one response."""

    async def invoke(messages: AsyncIterator[Message], caller: Caller) -> Message:
        call = stream(timeout=caller.seconds_left, metadata=caller.metadata)
        try:
            async for message in messages:
                await call.write(message)
            await call.done_writing()
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            # The server has answered before the end; its answer is read below.
            pass
        except BaseException:
            call.cancel()
            raise
        try:
            response: Message = await call
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        return response

    return invoke

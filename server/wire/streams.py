"""Streams of a call: messages are parsed one by one, and a stream ends when its credential does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from server.faults import ValidationFailed, Violation

M = TypeVar("M")


def parse(deserialize: Callable[[bytes], M], body: bytes) -> M:
    """The message in `body`. Raises `ValidationFailed`."""
    try:
        return deserialize(body)
    except DecodeError as error:
        raise ValidationFailed([Violation("request", "is no message of this method")]) from error


async def body_of(bodies: AsyncIterator[bytes]) -> bytes:
    """The only message of a client's stream. Raises `ValidationFailed` if it has none."""
    async with _read(bodies) as each:
        async for body in each:
            return body
    raise ValidationFailed([Violation("request", "is missing")])


async def parse_each(
    deserialize: Callable[[bytes], M], bodies: AsyncIterable[bytes]
) -> AsyncGenerator[M, None]:
    """The messages of a client's stream, as they come. Raises `ValidationFailed` for invalid bytes."""
    async with _read(bodies) as each:
        async for body in each:
            message = [parse(deserialize, body)]
            # While the reader works on a message, and for ever if it fails then, nothing else may hold it.
            del body
            yield message.pop()


def _read(bodies: AsyncIterable[bytes]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    """Reads a client's stream: gRPC makes it a generator, which holds the last message while it is open."""
    # Any: the type of gRPC's generator is private.
    generator: Any = aiter(bodies)
    return aclosing(generator)


async def single(response: Awaitable[M]) -> AsyncGenerator[M, None]:
    """A stream of one message."""
    yield await response


async def while_admitted(
    responses: AsyncGenerator[M, None], refused: "asyncio.Future[None]"
) -> AsyncGenerator[M, None]:
    """The responses until `refused` has an exception (see `Rechecks`).

    The exception ends the stream, also while it waits for the next response.
    """
    following: asyncio.Task[M] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(_next(responses))
            either: tuple[asyncio.Future[M] | asyncio.Future[None], ...] = (following, refused)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                refused.result()
            try:
                response = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield response
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await responses.aclose()


async def _next(responses: AsyncGenerator[M, None]) -> M:
    return await anext(responses)

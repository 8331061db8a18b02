"""Streams end with the admission of their caller."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import StringValue

from server.faults import ValidationFailed
from server.wire.faults import InvalidCredentials
from server.wire.rechecks import Rechecks
from server.wire.streams import parse, parse_each, single, while_admitted

RECHECK_S = 0.01


class Source:
    """A stream of numbers up to `last`, then silence for ever (or the end); says when it was closed."""

    def __init__(self, last: int, *, ends: bool) -> None:
        self._last = last
        self._ends = ends
        self.closed = False

    async def __call__(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._last):
                yield number
            if not self._ends:
                await asyncio.Event().wait()
        finally:
            self.closed = True


class LimitedAdmission:
    """Lets in `times` times, then refuses."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def admit(self) -> None:
        if self.left == 0:
            raise InvalidCredentials
        self.left -= 1


async def rechecked(
    source: AsyncGenerator[int, None], admission: LimitedAdmission
) -> AsyncGenerator[int, None]:
    """A stream whose caller is checked every hundredth of a second."""
    with Rechecks(RECHECK_S).watched("caller", admission.admit) as refused:
        async with aclosing(while_admitted(source, refused)) as admitted:
            async for number in admitted:
                yield number


async def read(stream: AsyncGenerator[int, None], into: list[int]) -> None:
    """Reads a stream to its end."""
    async for number in stream:
        into += [number]


async def test_a_stream_passes_whole_while_its_caller_is_admitted() -> None:
    source, admission = Source(3, ends=True), LimitedAdmission(1_000_000)
    assert [number async for number in rechecked(source(), admission)] == [0, 1, 2]
    assert source.closed


async def test_idle_stream_ends_when_its_caller_is_no_longer_admitted() -> None:
    source, admission = Source(2, ends=False), LimitedAdmission(3)
    seen: list[int] = []
    with pytest.raises(InvalidCredentials):
        await read(rechecked(source(), admission), seen)
    assert (seen, admission.left, source.closed) == ([0, 1], 0, True)


async def test_busy_stream_ends_when_its_caller_is_no_longer_admitted() -> None:
    async def busy() -> AsyncGenerator[int, None]:
        while True:
            await asyncio.sleep(0)
            yield 0

    with pytest.raises(InvalidCredentials):
        await read(rechecked(busy(), LimitedAdmission(3)), [])


async def test_a_reader_that_leaves_closes_the_stream() -> None:
    source = Source(2, ends=False)
    admitted = rechecked(source(), LimitedAdmission(1_000_000))
    assert await anext(admitted) == 0
    await admitted.aclose()
    assert source.closed


async def test_exception_of_a_stream_is_passed_on() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 0
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read(rechecked(broken(), LimitedAdmission(1_000_000)), [])


async def test_one_answer_is_a_stream_of_one() -> None:
    async def answer() -> int:
        return 7

    assert [number async for number in single(answer())] == [7]


def test_malformed_protobuf_is_invalid_argument() -> None:
    assert parse(StringValue.FromString, StringValue(value="a").SerializeToString()).value == "a"
    with pytest.raises(ValidationFailed) as refused:
        parse(StringValue.FromString, b"\xff")
    assert isinstance(refused.value.__cause__, DecodeError)


async def test_the_messages_of_a_client_are_parsed_as_they_come() -> None:
    async def bodies() -> AsyncGenerator[bytes, None]:
        yield StringValue(value="a").SerializeToString()
        yield b"\xff"

    messages = parse_each(StringValue.FromString, bodies())
    assert (await anext(messages)).value == "a"
    with pytest.raises(ValidationFailed):
        await anext(messages)

"""Servicers are registered by descriptors."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from zidimail.v1 import usage_service_pb2, usage_service_pb2_grpc

from server.wire.registration import add_servicer
from tests.unit.server.wire.services import KINDS, service_of, serving

SERVICE = service_of(dict.fromkeys(KINDS))


class Echo:
    """Says again what it hears."""

    async def Unary(self, request: StringValue, context: object) -> StringValue:
        return request

    async def Watch(self, request: StringValue, context: object) -> AsyncIterator[StringValue]:
        for letter in request.value:
            yield StringValue(value=letter)

    async def Upload(self, requests: AsyncIterator[StringValue], context: object) -> StringValue:
        return StringValue(value="".join([request.value async for request in requests]))

    async def Chat(self, requests: AsyncIterator[StringValue], context: object) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield StringValue(value=request.value * 2)


def text(value: str) -> bytes:
    return StringValue(value=value).SerializeToString()


async def test_methods_of_each_kind_are_served() -> None:
    async with serving(SERVICE, Echo()) as channel:
        assert await channel.unary_unary("/test.Echo/Unary")(text("ab")) == text("ab")
        watched = channel.unary_stream("/test.Echo/Watch")(text("ab"))
        assert [answer async for answer in watched] == [text("a"), text("b")]
        assert await channel.stream_unary("/test.Echo/Upload")([text("a"), text("b")]) == text("ab")
        chat = channel.stream_stream("/test.Echo/Chat")([text("a"), text("b")])
        assert [answer async for answer in chat] == [text("aa"), text("bb")]


@pytest.mark.parametrize("name", KINDS)
async def test_a_method_that_is_missing_is_found_at_start(name: str) -> None:
    methods = {kind: getattr(Echo, kind) for kind in KINDS if kind != name}
    with pytest.raises(TypeError, match=rf"Part does not implement test\.Echo\.{name}"):
        add_servicer(grpc.aio.server(), SERVICE, type("Part", (), methods)())


@pytest.mark.parametrize("name", KINDS)
async def test_a_method_of_another_kind_is_found_at_start(name: str) -> None:
    other = {"Unary": "Watch", "Watch": "Unary", "Upload": "Chat", "Chat": "Upload"}[name]
    wrong = type("Wrong", (Echo,), {name: getattr(Echo, other)})
    with pytest.raises(TypeError, match=rf"Wrong does not implement test\.Echo\.{name}"):
        add_servicer(grpc.aio.server(), SERVICE, wrong())


async def test_a_method_that_only_the_generated_base_has_is_missing() -> None:
    service = usage_service_pb2.DESCRIPTOR.services_by_name["UsageService"]
    with pytest.raises(TypeError, match=r"does not implement zidimail\.v1\.UsageService\.GetUsage"):
        add_servicer(grpc.aio.server(), service, usage_service_pb2_grpc.UsageServiceServicer())


def part_of(*kinds: str) -> object:
    """A servicer with some of the methods."""
    return type("Part", (), {kind: getattr(Echo, kind) for kind in kinds})()


async def test_several_servicers_share_the_methods_of_a_service() -> None:
    async with serving(SERVICE, part_of("Unary", "Watch"), others=[part_of("Upload", "Chat")]) as channel:
        assert await channel.unary_unary("/test.Echo/Unary")(text("ab")) == text("ab")
        assert await channel.stream_unary("/test.Echo/Upload")([text("a"), text("b")]) == text("ab")


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ((("Unary", "Watch"), ("Watch", "Upload", "Chat")), "Watch is implemented by Part, Part"),
        ((("Unary", "Watch"), ("Upload",)), "Chat is implemented by no servicer"),
    ],
)
async def test_a_method_of_none_or_of_several_is_found_at_start(
    parts: tuple[tuple[str, ...], ...], wrong: str
) -> None:
    with pytest.raises(TypeError, match=wrong):
        add_servicer(grpc.aio.server(), SERVICE, *(part_of(*kinds) for kinds in parts))


class Records:
    """Asks for the calls of some methods."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.recorded: list[tuple[str, str, str | None]] = []

    def records(self, path: str) -> bool:
        return path in self.paths

    async def record(self, path: str, request: Message, response: Message | None, address: str) -> None:
        answer = None if response is None else texts_of(response)
        self.recorded.append((path, texts_of(request), answer))


async def test_calls_that_stream_both_ways_cannot_be_recorded() -> None:
    with pytest.raises(TypeError, match=r"test\.Echo\.Chat streams both ways"):
        add_servicer(grpc.aio.server(), SERVICE, Echo(), recorder=Records("/test.Echo/Chat"))


async def test_calls_with_one_answer_are_recorded_before_it_is_given() -> None:
    """Of requests that come as a stream the record has none."""
    records = Records("/test.Echo/Unary", "/test.Echo/Upload")
    async with serving(SERVICE, Echo(), recorder=records) as channel:
        await channel.unary_unary("/test.Echo/Unary")(text("ab"))
        await channel.stream_unary("/test.Echo/Upload")([text("a"), text("b")])
    assert records.recorded == [("/test.Echo/Unary", "ab", "ab"), ("/test.Echo/Upload", "", "ab")]


async def test_streams_are_recorded_once_before_their_first_answer() -> None:
    """A stream that has no answer is not recorded; the record has no answer of those that have some."""
    records = Records("/test.Echo/Watch")
    async with serving(SERVICE, Echo(), recorder=records) as channel:
        watch = channel.unary_stream("/test.Echo/Watch")
        assert [answer async for answer in watch(text(""))] == []
        assert records.recorded == []
        watched = watch(text("ab"))
        assert await watched.read() == text("a")
        assert records.recorded == [("/test.Echo/Watch", "ab", None)]
        assert await watched.read() == text("b")
    assert records.recorded == [("/test.Echo/Watch", "ab", None)]


def texts_of(message: Message) -> str:
    """The text of a message of the tests."""
    return StringValue.FromString(message.SerializeToString()).value

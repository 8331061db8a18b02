"""Hostile requests are refused cheaply: other organisations wait little, and memory comes back.

The bounds are wide: on a busy machine a quiet read may take ten times its usual time. What they guard against
took hundreds of times as long.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import grpc
import pytest
from zidimail.v1 import event_service_pb2, event_service_pb2_grpc

from tests.harness.attack import Effect, call, effect, memory, post, quiet_read_s, rest_bodies, rpc_bodies
from tests.harness.organisations import Kind
from tests.harness.stack import Stack
from tests.unit.edge.wire import connect

DOMAIN = Stack.domain
# The most that a read under attack may take: a multiple of a quiet one, or these seconds if they are more.
RATIO, LEAST_S = 40, 0.5
# Memory after an attack, as a multiple of that before, and the bytes that a warm process may always take.
MEMORY, LEAST_BYTES = 1.2, 80 << 20


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that no other test measures."""
    kinds = {"free": Kind(["--plan", "free", "--sandbox"])}
    with Stack(tmp_path_factory.mktemp("attacked"), kinds=kinds) as stack:
        yield stack


@pytest.fixture(scope="module")
def quiet_s(attacked: Stack) -> float:
    """The seconds of a read while nothing happens."""
    return asyncio.run(quiet_read_s(attacked))


def assert_harmless(effect: Effect) -> None:
    assert effect.attacked_s < max(RATIO * effect.quiet_s, LEAST_S), effect
    assert effect.memory_after < MEMORY * effect.memory_before + LEAST_BYTES, effect


@pytest.mark.parametrize("name", rest_bodies(DOMAIN))
async def test_large_body_is_refused_and_others_do_not_wait(
    attacked: Stack, quiet_s: float, name: str
) -> None:
    path, body = rest_bodies(DOMAIN)[name]
    sending = asyncio.ensure_future(post(attacked, path, body, times=4))
    assert_harmless(await effect(attacked, quiet_s, sending))
    statuses = await sending
    if name != "names full of @":  # valid, if odd: only their cost is bounded
        assert all(400 <= status < 500 for status in statuses), statuses


@pytest.mark.parametrize("name", rpc_bodies(DOMAIN))
async def test_large_message_is_refused_and_others_do_not_wait(
    attacked: Stack, quiet_s: float, name: str
) -> None:
    method, body = rpc_bodies(DOMAIN)[name]
    calling = asyncio.ensure_future(call(attacked, method, body, times=2))
    assert_harmless(await effect(attacked, quiet_s, calling))
    refusals = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
    if name != "encoded words":  # valid, if many: only their cost is bounded
        assert set(await calling) <= refusals


async def test_message_of_a_small_plan_has_its_own_limit(attacked: Stack) -> None:
    """The bytes of a message follow the plan, not the largest plan of all."""
    free = attacked.orgs["free"]
    body = b"x" * (20 << 20)
    async with attacked.channel() as channel:
        rpc = channel.unary_unary("/zidimail.v1.EmailService/SendEmail")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rpc(body, metadata=(("authorization", f"Bearer {free.api_key}"),))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "free" in (refused.value.details() or "")


async def test_endless_trailers_take_no_memory(attacked: Stack) -> None:
    """Without a key: the trailer section of a page's request never ends."""
    before = memory(attacked)
    for more in (b"x" * 65_536, b"x: y\r\n" * 10_000):
        async with connect(attacked.http) as connection:
            head = b"GET /v1/openapi.json HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n"
            await connection.send(head + b"0\r\nx: ")
            for _ in range(200):
                with contextlib.suppress(ConnectionError):
                    await connection.send(more)
            connection.drop()
    assert memory(attacked) < MEMORY * before + LEAST_BYTES


async def test_a_caller_has_a_limited_number_of_streams(attacked: Stack) -> None:
    async with attacked.channel() as channel:
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        metadata = (("authorization", f"Bearer {attacked.orgs['free'].api_key}"),)
        request = event_service_pb2.WatchEventsRequest()
        streams = [stub.WatchEvents(request, metadata=metadata) for _ in range(100)]
        for stream in streams:
            await stream.initial_metadata()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.WatchEvents(request, metadata=metadata).read()
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "100 open streams" in (refused.value.details() or "")
        streams[0].cancel()
        for stream in streams[1:]:
            stream.cancel()


async def test_refused_messages_leave_no_memory_behind(attacked: Stack) -> None:
    """Each of them is 16 MiB; kept, they would be three quarters of a gigabyte."""
    method, body = rpc_bodies(DOMAIN)["empty recipients"]
    await call(attacked, method, body, times=4)
    before = memory(attacked)
    for _ in range(12):
        await call(attacked, method, body, times=4)
    assert memory(attacked) < MEMORY * before + LEAST_BYTES

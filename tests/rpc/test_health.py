"""The standard health service, by which load balancers choose servers."""

import grpc
import pytest
import zidimail.v1
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.wire.health import WARNING_KEY, Health
from server.wire.registration import services_of
from tests.harness.stack import Stack

NAMES = [service.full_name for service in services_of(zidimail.v1)]


@pytest.mark.parametrize("name", ["", *NAMES])
async def test_health_answers_for_the_server_and_for_each_service(stack: Stack, name: str) -> None:
    async with stack.channel() as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_health_knows_no_other_service(stack: Stack) -> None:
    async with stack.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service="zidimail.v1.PigeonService")
            )
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_status_carries_the_warnings_of_each_subject_until_they_end() -> None:
    """C-93: a server that serves may have something to say to its operator."""
    health = Health([])
    server = grpc.aio.server()
    health.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await health.start()

    async def warnings() -> list[str]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert (await call).status == health_pb2.HealthCheckResponse.SERVING
            return [text for key, text in await call.trailing_metadata() if key == WARNING_KEY]

    try:
        assert await warnings() == []
        health.warn("clock", "It is late.")
        health.warn("clock", "It is very late.")
        health.warn("disk", "It is full.")
        assert await warnings() == ["It is very late.", "It is full."]
        health.warn("clock", "")
        assert await warnings() == ["It is full."]
    finally:
        await server.stop(None)

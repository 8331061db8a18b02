"""The standard health service, by which load balancers choose servers."""

import grpc
import pytest
import zidimail.v1
from grpc_health.v1 import health_pb2, health_pb2_grpc

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

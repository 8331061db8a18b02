"""A caller with nothing but server reflection sends a mail.

No generated module of the contract is imported here: what `grpcurl` can do, this does.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection_pb2

from tests.harness.stack import Stack
from tests.harness.waiting import until

SERVICES = {
    "zidimail.v1.EmailService",
    "zidimail.v1.DomainService",
    "zidimail.v1.ApiKeyService",
    "zidimail.v1.WebhookService",
    "zidimail.v1.EventService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}


@pytest.fixture(params=["v1", "v1alpha"])
def version(request: pytest.FixtureRequest) -> str:
    """A version of the reflection service: each test runs with both."""
    asked: str = request.param
    return asked


class Reflection:
    """A client of the server's reflection service of one version; the messages of both are the same bytes."""

    def __init__(self, channel: grpc.aio.Channel, version: str) -> None:
        self._call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )

    async def ask(self, **request: str) -> reflection_pb2.ServerReflectionResponse:
        """One question and its answer."""

        async def requests() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
            yield reflection_pb2.ServerReflectionRequest(**request)

        answers = [answer async for answer in self._call(requests())]
        assert len(answers) == 1
        return answers[0]

    async def services(self) -> set[str]:
        """The names of the services."""
        answer = await self.ask(list_services="")
        return {service.name for service in answer.list_services_response.service}

    async def pool(self, symbol: str) -> descriptor_pool.DescriptorPool:
        """The descriptors of a symbol and of all that it needs."""
        answer = await self.ask(file_containing_symbol=symbol)
        files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
        await self._collect(answer, files)
        pool = descriptor_pool.DescriptorPool()

        def add(name: str) -> None:
            file = files.pop(name, None)
            if file is not None:
                for dependency in file.dependency:
                    add(dependency)
                pool.Add(file)

        for name in list(files):
            add(name)
        return pool

    async def _collect(
        self,
        answer: reflection_pb2.ServerReflectionResponse,
        files: dict[str, descriptor_pb2.FileDescriptorProto],
    ) -> None:
        for serialized in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(serialized)
            if file.name in files:
                continue
            files[file.name] = file
            for dependency in file.dependency:
                if dependency not in files:
                    await self._collect(await self.ask(file_by_filename=dependency), files)


def caller(channel: grpc.aio.Channel, method: MethodDescriptor, api_key: str) -> Callable[..., Any]:
    """A function that calls the method with fields by name."""
    request_class = message_factory.GetMessageClass(method.input_type)
    response_class = message_factory.GetMessageClass(method.output_type)
    unary = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=request_class.SerializeToString,
        response_deserializer=response_class.FromString,
    )

    async def call(**fields: Any) -> Any:
        return await unary(
            request_class(**fields), metadata=(("authorization", f"Bearer {api_key}"),), timeout=30
        )

    return call


async def test_reflection_describes_every_service(stack: Stack, version: str) -> None:
    async with stack.channel() as channel:
        reflection = Reflection(channel, version)
        services = await reflection.services()
        assert services >= SERVICES
        for name in services:
            assert (await reflection.pool(name)).FindServiceByName(name).methods


async def test_mail_is_sent_and_read_back_by_reflection_only(stack: Stack, version: str) -> None:
    async with stack.channel() as channel:
        pool = await Reflection(channel, version).pool("zidimail.v1.EmailService")
        service = pool.FindServiceByName("zidimail.v1.EmailService")
        send = caller(channel, service.FindMethodByName("SendEmail"), stack.api_key)
        get = caller(channel, service.FindMethodByName("GetEmail"), stack.api_key)
        sent = await send(
            **{
                "from": f"a@{stack.domain}",
                "to": ["you@example.org"],
                "subject": "By reflection",
                "text": "x",
            }
        )
        statuses = pool.FindEnumTypeByName("zidimail.v1.EmailStatus").values_by_name

        async def is_delivered() -> Message | None:
            email = (await get(id=sent.id)).email
            return email if email.status == statuses["EMAIL_STATUS_DELIVERED"].number else None

        email = await until(is_delivered, message="never delivered")
    assert email.subject == "By reflection"
    assert [event.recipient for event in email.events][1:] == ["you@example.org"]  # type: ignore[union-attr]


async def test_caller_by_reflection_gets_typed_error_details(stack: Stack, version: str) -> None:
    async with stack.channel() as channel:
        pool = await Reflection(channel, version).pool("zidimail.v1.EmailService")
        send = caller(
            channel,
            pool.FindServiceByName("zidimail.v1.EmailService").FindMethodByName("SendEmail"),
            stack.api_key,
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send(to=["you@example.org"], subject="no sender", text="x")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT

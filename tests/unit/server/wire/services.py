"""A service made for these tests, with a method of each kind, and its real server and client."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.wrappers_pb2 import StringValue
from zidimail.v1 import access_pb2

from server.wire.registration import Recorder, add_servicer

KINDS = {"Unary": (False, False), "Watch": (False, True), "Upload": (True, False), "Chat": (True, True)}
"""The methods, each with whether its client and its server stream."""


def service_of(rules: Mapping[str, access_pb2.Access | None]) -> ServiceDescriptor:
    """The service `test.Echo` with these methods of `KINDS`, each with its access rule."""
    file = descriptor_pb2.FileDescriptorProto(
        name="echo.proto",
        package="test",
        syntax="proto3",
        dependency=["zidimail/v1/access.proto", "google/protobuf/wrappers.proto"],
    )
    service = file.service.add(name="Echo")
    for name, access in rules.items():
        client_streams, server_streams = KINDS[name]
        method = service.method.add(
            name=name,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=client_streams,
            server_streaming=server_streams,
        )
        if access is not None:
            method.options.Extensions[access_pb2.access].CopyFrom(access)
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, access_pb2.DESCRIPTOR, StringValue.DESCRIPTOR.file):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.Add(file)
    return pool.FindServiceByName("test.Echo")


@asynccontextmanager
async def serving(
    service: ServiceDescriptor,
    servicer: object,
    *interceptors: grpc.aio.ServerInterceptor,
    others: Sequence[object] = (),
    recorder: Recorder | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    """Serves a servicer on a loopback port, the methods of `others` too; yields a channel to it."""
    server = grpc.aio.server(interceptors=interceptors)
    add_servicer(server, service, servicer, *others, recorder=recorder)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)

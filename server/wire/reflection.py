"""Server reflection: version 1, and the v1alpha that older tools ask for.

grpcio-reflection speaks v1alpha only. The messages of version 1 are the same on the wire, so one servicer
answers both.
"""

from collections.abc import Iterable

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToJson, Parse
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1ALPHA: str = reflection.SERVICE_NAME
V1 = V1ALPHA.replace("v1alpha", "v1")
_METHOD = "ServerReflectionInfo"


def add_reflection(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Lets both versions describe the services with these full names, and each other."""
    # Its `__all__` has `aio`, behind a condition that mypy does not follow.
    servicer = reflection.aio.ReflectionServicer([*services, V1, V1ALPHA])  # type: ignore[attr-defined]
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, {_METHOD: handler}) for name in (V1, V1ALPHA))
    )


def _version_1() -> FileDescriptorProto:
    """The file of version 1, made from that of v1alpha."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    renamed = Parse(MessageToJson(file).replace("v1alpha", "v1"), FileDescriptorProto())
    renamed.name = "grpc/reflection/v1/reflection.proto"
    return renamed


# A tool that describes every listed service finds this one as well.
Default().Add(_version_1())

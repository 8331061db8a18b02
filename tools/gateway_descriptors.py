"""Adapts the descriptors of the contract to a gateway that refuses a part of them.

`envoy`: without `response_body`, which Envoy takes for fields of the type `google.api.HttpBody` only.
`grpc-gateway`: for v1, which does not know proto3 `optional`, and takes the first route that fits. v2 takes
the last one: the contract suits it as it is.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet


def without_response_bodies(descriptors: FileDescriptorSet) -> FileDescriptorSet:
    """A copy in which each HTTP rule answers with its whole response message."""
    adapted = _copied(descriptors)
    for file in adapted.file:
        for service in file.service:
            for method in service.method:
                if method.options.HasExtension(annotations_pb2.http):
                    rule = method.options.Extensions[annotations_pb2.http]
                    for each in (rule, *rule.additional_bindings):
                        each.ClearField("response_body")
    return adapted


def for_grpc_gateway_v1(descriptors: FileDescriptorSet) -> FileDescriptorSet:
    """A copy in which each `optional` field is the only member of an ordinary oneof, and the methods of each
    service come in reverse order.

    Neither bytes nor JSON change, and an absent field still differs from an empty one. The comments are left
    out: their places would be wrong.
    """
    adapted = _copied(descriptors)
    for file in adapted.file:
        file.ClearField("source_code_info")
        for service in file.service:
            service.method.reverse()
        for message in _with_nested(file.message_type):
            for field in message.field:
                # The compiler has put the field into a oneof of its own; only this mark makes it special.
                field.ClearField("proto3_optional")
    return adapted


GATEWAYS: dict[str, Callable[[FileDescriptorSet], FileDescriptorSet]] = {
    "envoy": without_response_bodies,
    "grpc-gateway": for_grpc_gateway_v1,
}


def _copied(descriptors: FileDescriptorSet) -> FileDescriptorSet:
    copy = FileDescriptorSet()
    copy.CopyFrom(descriptors)
    return copy


def _with_nested(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    for message in messages:
        yield message
        yield from _with_nested(message.nested_type)


def main() -> None:
    """Reads descriptors, adapts them and writes them."""
    parser = argparse.ArgumentParser(prog="python -m tools.gateway_descriptors", description=__doc__)
    parser.add_argument("gateway", choices=GATEWAYS)
    parser.add_argument("descriptors", type=Path, help="the file to read")
    parser.add_argument("adapted", type=Path, help="the file to write")
    options = parser.parse_args()
    descriptors = FileDescriptorSet.FromString(options.descriptors.read_bytes())
    options.adapted.write_bytes(GATEWAYS[options.gateway](descriptors).SerializeToString())


if __name__ == "__main__":
    main()

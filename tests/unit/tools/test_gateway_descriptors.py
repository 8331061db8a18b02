"""The descriptors for gateways say the same as the contract, less what the gateway refuses."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tests.harness.stack import ROOT
from tools.gateway_descriptors import for_grpc_gateway_v1, without_response_bodies
from tools.generate import DESCRIPTORS, GENERATED

ENVOY = ROOT / "docs" / "gateways" / "envoy" / "envoy.yaml"
GRPC_GATEWAY = ROOT / "docs" / "gateways" / "grpc-gateway" / "main.go"


@pytest.fixture
def contract() -> FileDescriptorSet:
    return FileDescriptorSet.FromString((GENERATED / DESCRIPTORS).read_bytes())


def services(descriptors: FileDescriptorSet) -> Iterator[ServiceDescriptorProto]:
    for file in descriptors.file:
        yield from file.service


def rule(method: MethodDescriptorProto) -> HttpRule | None:
    """The HTTP rule of a method, if it has one."""
    if not method.options.HasExtension(annotations_pb2.http):
        return None
    found: HttpRule = method.options.Extensions[annotations_pb2.http]
    return found


def rules(descriptors: FileDescriptorSet) -> list[HttpRule]:
    return [
        found for service in services(descriptors) for method in service.method if (found := rule(method))
    ]


def test_envoy_gets_every_route_without_its_response_body(contract: FileDescriptorSet) -> None:
    expected = []
    for original in rules(contract):
        expected.append(HttpRule())
        expected[-1].CopyFrom(original)
        expected[-1].response_body = ""
    assert rules(without_response_bodies(contract)) == expected


def test_response_bodies_of_additional_bindings_are_left_out_too(contract: FileDescriptorSet) -> None:
    rules(contract)[0].additional_bindings.add(get="/v1/other", response_body="email")
    adapted = rules(without_response_bodies(contract))[0]
    assert list(adapted.additional_bindings) == [HttpRule(get="/v1/other")]


def test_grpc_gateway_reads_and_writes_the_bytes_of_the_contract(contract: FileDescriptorSet) -> None:
    def encoded(descriptors: FileDescriptorSet, **fields: str) -> bytes:
        pool = DescriptorPool()
        for file in descriptors.file:
            pool.Add(file)
        message = GetMessageClass(pool.FindMessageTypeByName("zidimail.v1.SendEmailRequest"))(**fields)
        return bytes(message.SerializeToString())

    adapted = for_grpc_gateway_v1(contract)
    assert "proto3_optional: true" not in str(adapted)
    for fields in ({}, {"html": ""}, {"html": "x", "idempotency_key": ""}):
        assert encoded(adapted, **fields) == encoded(contract, **fields)


def test_grpc_gateway_gets_the_methods_in_reverse_order(contract: FileDescriptorSet) -> None:
    for ours, theirs in zip(services(contract), services(for_grpc_gateway_v1(contract)), strict=True):
        assert [method.name for method in theirs.method] == [method.name for method in ours.method][::-1]


def test_the_contract_itself_stays_as_it_was(contract: FileDescriptorSet) -> None:
    before = contract.SerializeToString()
    without_response_bodies(contract)
    for_grpc_gateway_v1(contract)
    assert contract.SerializeToString() == before


def test_the_recipes_serve_every_service_with_routes(contract: FileDescriptorSet) -> None:
    names = {service.name for service in services(contract) if any(rule(method) for method in service.method)}
    assert set(re.findall(r"- zidimail\.v1\.(\w+)", ENVOY.read_text())) == names
    assert set(re.findall(r"zidimail\.Register(\w+)Handler", GRPC_GATEWAY.read_text())) == names


def test_the_command_writes_the_adapted_descriptors(contract: FileDescriptorSet, tmp_path: Path) -> None:
    adapted = tmp_path / "adapted.binpb"
    command = (sys.executable, "-m", "tools.gateway_descriptors", "envoy")
    subprocess.run([*command, GENERATED / DESCRIPTORS, adapted], cwd=ROOT, check=True)
    assert FileDescriptorSet.FromString(adapted.read_bytes()) == without_response_bodies(contract)

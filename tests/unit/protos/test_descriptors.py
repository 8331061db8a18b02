"""The descriptors are all that a client is generated from."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from tools.generate import DESCRIPTORS, GENERATED, PROTOS

IMAGE = FileDescriptorSet.FromString((GENERATED / DESCRIPTORS).read_bytes())


@pytest.fixture(scope="module")
def pool() -> DescriptorPool:
    """A pool with nothing but the descriptors, which refuses a file whose imports it does not hold yet."""
    pool = DescriptorPool()
    for file in IMAGE.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def test_the_descriptors_are_complete_and_in_the_order_of_their_imports(pool: DescriptorPool) -> None:
    ours = {str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto")}
    assert ours <= {file.name for file in IMAGE.file}
    for name in ours:
        assert pool.FindFileByName(name).package == "zidimail.v1"


@pytest.mark.parametrize(
    "name", ["google.rpc.Status", "google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"]
)
def test_the_descriptors_hold_the_types_of_errors_and_of_their_details(
    pool: DescriptorPool, name: str
) -> None:
    assert pool.FindMessageTypeByName(name).full_name == name


@pytest.mark.parametrize("name", ["google.api.http", "google.api.field_behavior", "zidimail.v1.access"])
def test_the_descriptors_hold_the_options_of_the_contract(pool: DescriptorPool, name: str) -> None:
    assert pool.FindExtensionByName(name).full_name == name


def test_every_file_has_its_comments() -> None:
    for file in IMAGE.file:
        assert any(location.leading_comments for location in file.source_code_info.location), file.name

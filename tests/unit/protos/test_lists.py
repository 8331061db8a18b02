"""Every list is paged alike: one loop in a client reads them all."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from tests.unit.protos.contract import METHODS

LISTS = [method for method in METHODS if "has_more" in method.output_type.fields_by_name]
# Each field with its type, and whether an absent one differs from an empty one.
REQUEST = {"limit": (FieldDescriptor.TYPE_INT32, True), "after": (FieldDescriptor.TYPE_STRING, True)}
RESPONSE = {
    "has_more": (FieldDescriptor.TYPE_BOOL, False),
    "next_cursor": (FieldDescriptor.TYPE_STRING, False),
}


def lacking(message: Descriptor, fields: dict[str, tuple[int, bool]]) -> list[str]:
    """The fields that a message lacks or has in another form."""
    given = message.fields_by_name
    return [
        name
        for name, form in fields.items()
        if name not in given or (given[name].type, given[name].has_presence) != form
    ]


def test_every_method_that_lists_answers_pages_and_no_other_does() -> None:
    assert [method for method in METHODS if method.name.startswith("List")] == LISTS


@pytest.mark.parametrize("method", LISTS, ids=lambda method: method.name)
def test_a_list_takes_a_limit_and_a_cursor_and_answers_the_next_one(method: MethodDescriptor) -> None:
    assert not lacking(method.input_type, REQUEST)
    assert not lacking(method.output_type, RESPONSE)
    data = method.output_type.fields_by_name["data"]
    assert data.is_repeated
    assert data.message_type is not None


def test_a_missing_cursor_and_one_without_presence_are_found() -> None:
    field = FieldDescriptorProto(name="after", number=1, type=FieldDescriptorProto.TYPE_STRING)
    file = FileDescriptorProto(
        name="test.proto", syntax="proto3", message_type=[DescriptorProto(name="Request", field=[field])]
    )
    pool = DescriptorPool()
    pool.Add(file)
    assert lacking(pool.FindMessageTypeByName("Request"), REQUEST) == ["limit", "after"]

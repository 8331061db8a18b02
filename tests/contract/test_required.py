"""A request without its required fields is refused by field, by every method and route (Z-8)."""

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor

from tests.contract.methods import METHODS
from tests.contract.rows import ROWS, Row
from tests.contract.world import World

CREDENTIALS = {"K": "A, full key", "J": "A, session", "I": "internal", "O": "operator token"}


def is_required(field: FieldDescriptor) -> bool:
    """True for a field that callers must fill; a file or an event that is empty has errors of its own."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return False
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


REQUIRED = {
    name: required
    for name, method in METHODS.items()
    if (required := {field.name for field in method.descriptor.input_type.fields if is_required(field)})
}
# The fields of bodies: the others are in the path.
IN_BODIES = {
    name: fields
    for name, required in REQUIRED.items()
    if METHODS[name].path
    and METHODS[name].body is None
    and (fields := {field for field in required if f"{{{field}}}" not in str(METHODS[name].path)})
}


def credential_of(world: World, row: Row) -> str | None:
    """A credential that the method takes; none for an open one."""
    return world.credentials[CREDENTIALS[row.kinds[0]]] if row.kinds else None


@pytest.mark.parametrize("name", REQUIRED)
def test_empty_request_is_refused_with_each_required_field(world: World, name: str) -> None:
    """Before anything is looked up: whoever leaves out a password learns nothing of the account."""
    refused = world.grpc(METHODS[name], {}, credential_of(world, ROWS[name]))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "VALIDATION_FAILED"), refused
    named = {part.partition(":")[0] for part in refused.body["message"].split("; ")}
    assert named >= REQUIRED[name]


@pytest.mark.parametrize("name", IN_BODIES)
def test_empty_body_is_refused_with_each_required_field(world: World, name: str) -> None:
    row, method = ROWS[name], METHODS[name]
    in_path = {key: value for key, value in row.fields(world).items() if f"{{{key}}}" in str(method.path)}
    refused = world.rest(method, in_path, credential_of(world, row))
    assert refused.code == "422", refused
    assert {error["field"] for error in refused.body["errors"]} >= IN_BODIES[name]

"""Numbers that an enum does not define: proto3 lets them through, and one rule refuses them everywhere."""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from server.faults import Violation
from server.wire.fields import fields_of, refuse, values


def enum_check(descriptor: Descriptor) -> Callable[[Message], None] | None:
    """A function that raises `ValidationFailed` for a message with a number that its enum does not define.

    None if neither the message nor those in its fields have enums.
    """
    fields = fields_of(
        descriptor,
        lambda field: field.enum_type is not None,
        lambda field, inner: not inner.GetOptions().map_entry,
    )
    if not fields:
        return None

    def check(message: Message) -> None:
        refuse(
            Violation(place, f"{item} is no value of {enum.name}")
            for place, field, item in values(message, fields)
            if (enum := field.enum_type) is not None and item not in enum.values_by_number
        )

    return check

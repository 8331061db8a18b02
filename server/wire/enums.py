"""Numbers that an enum does not define: proto3 lets them through, and one rule refuses them everywhere."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.faults import ValidationFailed, Violation

# Violations in one answer.
_SHOWN = 50
# Fields to look into: those with an enum, and those with messages that have such fields.
_Fields: TypeAlias = list[tuple[FieldDescriptor, "_Fields"]]


def enum_check(descriptor: Descriptor) -> Callable[[Message], None] | None:
    """A function that raises `ValidationFailed` for a message with a number that its enum does not define.

    None if neither the message nor those in its fields have enums.
    """
    fields = _fields_with_enums(descriptor, ())
    if not fields:
        return None

    def check(message: Message) -> None:
        violations = list(islice(_violations(message, fields, ""), _SHOWN))
        if violations:
            raise ValidationFailed(violations)

    return check


def _fields_with_enums(descriptor: Descriptor, around: tuple[Descriptor, ...]) -> _Fields:
    found: _Fields = []
    for field in descriptor.fields:
        inner = field.message_type
        if field.enum_type is not None:
            found.append((field, []))
        elif inner is not None and not inner.GetOptions().map_entry and inner not in around:
            nested = _fields_with_enums(inner, (*around, descriptor))
            if nested:
                found.append((field, nested))
    return found


def _violations(message: Message, fields: _Fields, path: str) -> Iterator[Violation]:
    for field, nested in fields:
        name = f"{path}{field.name}"
        if field.is_repeated:
            items = [(f"{name}[{index}]", item) for index, item in enumerate(getattr(message, field.name))]
        elif field.has_presence and not message.HasField(field.name):
            continue
        else:
            items = [(name, getattr(message, field.name))]
        for place, item in items:
            if nested:
                yield from _violations(item, nested, f"{place}.")
            elif field.enum_type is not None and item not in field.enum_type.values_by_number:
                yield Violation(place, f"{item} is no value of {field.enum_type.name}")

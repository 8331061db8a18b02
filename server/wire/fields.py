"""The fields of messages that a rule for all requests is about, found once by their descriptors."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.faults import ValidationFailed, Violation

# Violations in one answer.
_SHOWN = 50

Fields: TypeAlias = list[tuple[FieldDescriptor, "Fields"]]
"""Fields that the rule is about, and those with a message that has such fields."""


def fields_of(
    descriptor: Descriptor,
    is_meant: Callable[[FieldDescriptor], bool],
    is_entered: Callable[[FieldDescriptor, Descriptor], bool],
    around: tuple[Descriptor, ...] = (),
) -> Fields:
    """The fields that are meant, also in the messages of fields that are entered; none within itself."""
    found: Fields = []
    for field in descriptor.fields:
        inner = field.message_type
        if is_meant(field):
            found.append((field, []))
        elif inner is not None and is_entered(field, inner) and inner not in around:
            nested = fields_of(inner, is_meant, is_entered, (*around, descriptor))
            if nested:
                found.append((field, nested))
    return found


# Any: the values of fields have no common type.
def values(message: Message, fields: Fields, path: str = "") -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """The values of these fields in a message, each with its place."""
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
                yield from values(item, nested, f"{place}.")
            else:
                yield place, field, item


def refuse(violations: Iterable[Violation]) -> None:
    """Raises `ValidationFailed` with the first of the violations, if there are any."""
    if shown := list(islice(violations, _SHOWN)):
        raise ValidationFailed(shown)

"""Required fields that a request leaves out: one rule names all of them, before any other looks at it."""

from collections.abc import Callable

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.faults import Violation
from server.wire.fields import refuse

# Its own rules name what is missing beside what is wrong, as they do for each email of a batch.
_EMAIL = "zidimail.v1.SendEmailRequest"
_KINDS = frozenset(
    {FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_ENUM, FieldDescriptor.CPPTYPE_MESSAGE}
)


def required_check(descriptor: Descriptor) -> Callable[[Message], None] | None:
    """A function that raises `ValidationFailed` for a message without one of its required fields.

    An empty text and the value 0 of an enum are missing. An empty list is named beside them; alone it is left
    to the rules of the method, which say how many it takes. So are bytes, as files are read apart, and the
    fields of inner messages. None if nothing is required.
    """
    required = [field for field in descriptor.fields if _is_meant(field)]
    single = [field.name for field in required if not field.is_repeated]
    if not single or descriptor.full_name == _EMAIL:
        return None
    messages = {field.name for field in required if field.message_type is not None}

    def is_given(message: Message, name: str) -> bool:
        return message.HasField(name) if name in messages else bool(getattr(message, name))

    def check(message: Message) -> None:
        if all(is_given(message, name) for name in single):
            return
        refuse(
            Violation(field.name, "is required")
            for field in required
            if not (getattr(message, field.name) if field.is_repeated else is_given(message, field.name))
        )

    return check


def _is_meant(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    is_bytes = field.type == FieldDescriptor.TYPE_BYTES
    return field_behavior_pb2.REQUIRED in behaviors and field.cpp_type in _KINDS and not is_bytes

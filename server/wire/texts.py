"""NUL characters in texts: PostgreSQL stores none, and one rule refuses them in every request."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.faults import ValidationFailed, Violation

# Violations in one answer.
_SHOWN = 50
# The bytes of a mail host, which a provider quotes to us: they are cleaned where they are stored.
_CLEANED = frozenset({"zidimail.v1.RecordBounceRequest.diagnostic"})
# Texts, and fields with a message that has texts.
_Fields: TypeAlias = list[tuple[FieldDescriptor, "_Fields"]]


def nul_check(descriptor: Descriptor) -> Callable[[bytes, Message], None] | None:
    """A function that raises `ValidationFailed` for a message with a NUL in a text.

    It gets the bytes of the message too: most have no zero byte, and need no further look. The entries of
    lists of messages and of maps are left to the rules of the method, which answer for each entry alone.
    None if the message has no texts.
    """
    fields = _texts(descriptor, ())
    if not fields:
        return None

    def check(body: bytes, message: Message) -> None:
        if b"\0" not in body:
            return
        violations = list(islice(_violations(message, fields, ""), _SHOWN))
        if violations:
            raise ValidationFailed(violations)

    return check


def _texts(descriptor: Descriptor, around: tuple[Descriptor, ...]) -> _Fields:
    found: _Fields = []
    for field in descriptor.fields:
        inner = field.message_type
        if field.type == FieldDescriptor.TYPE_STRING and field.full_name not in _CLEANED:
            found.append((field, []))
        elif inner is not None and not field.is_repeated and inner not in around:
            nested = _texts(inner, (*around, descriptor))
            if nested:
                found.append((field, nested))
    return found


def _violations(message: Message, fields: _Fields, path: str) -> Iterator[Violation]:
    for field, nested in fields:
        name, value = f"{path}{field.name}", getattr(message, field.name)
        if nested:
            if message.HasField(field.name):
                yield from _violations(value, nested, f"{name}.")
        elif field.is_repeated:
            for index, text in enumerate(value):
                if "\0" in text:
                    yield Violation(f"{name}[{index}]", "must not hold NUL characters")
        elif "\0" in value:
            yield Violation(name, "must not hold NUL characters")

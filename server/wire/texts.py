"""NUL characters in texts: PostgreSQL stores none, and one rule refuses them in every request."""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.faults import Violation
from server.wire.fields import fields_of, refuse, values

# The bytes of a mail host, which a provider quotes to us: they are cleaned where they are stored.
_CLEANED = frozenset({"zidimail.v1.RecordBounceRequest.diagnostic"})


def nul_check(descriptor: Descriptor) -> Callable[[bytes, Message], None] | None:
    """A function that raises `ValidationFailed` for a message with a NUL in a text.

    It gets the bytes of the message too: most have no zero byte, and need no further look. The entries of
    lists of messages and of maps are left to the rules of the method, which answer for each entry alone.
    None if the message has no texts.
    """
    fields = fields_of(descriptor, _is_text, lambda field, inner: not field.is_repeated)
    if not fields:
        return None

    def check(body: bytes, message: Message) -> None:
        if b"\0" not in body:
            return
        refuse(
            Violation(place, "must not hold NUL characters")
            for place, _, text in values(message, fields)
            if "\0" in text
        )

    return check


def _is_text(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_STRING and field.full_name not in _CLEANED

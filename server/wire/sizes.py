"""The size of a request, measured on the wire: one that is too large is refused before it becomes objects.

A list entry of two bytes becomes an object of a hundred, and parsing a message holds up every other call. So
the entries are counted in the bytes of the message (protobuf encoding: tag, length, value).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from zidimail.v1 import limits_pb2

from server.faults import ValidationFailed, Violation
from server.wire.caller import Caller
from server.wire.encoding import LENGTH, entries_of

# Entries of a list or map whose field has no option `max_entries`: more than any rule allows, so that near
# misses get the rule's own text.
MAX_ENTRIES = 1_000
# Messages of fewer bytes are parsed uncounted: all of their entries together cost nothing.
SMALL_BYTES = 4 * 1024
# The bytes of a message without files (contract row Z-9).
PLAIN_BYTES = 2 * 2**20

# Raises the fault of a caller whose message of a method has more bytes than its plan allows. It is asked only
# about messages of more than `PLAIN_BYTES`.
CheckBytes: TypeAlias = Callable[[str, Caller, int], Awaitable[None]]


def raw_limit(attachment_bytes: int) -> int:
    """The most bytes of a finished message: its attachments in base64, and all else (contract row C-64)."""
    return attachment_bytes * 4 // 3 + PLAIN_BYTES


class _Field(NamedTuple):
    name: str
    # True for a list of numbers, whose entries share one length.
    is_packable: bool
    # The fields of the messages in it; None for other values.
    fields: "_Fields | None"
    most: int


_Fields: TypeAlias = Mapping[int, _Field]


class RequestSizes:
    """The limits of the requests of some services."""

    def __init__(self, services: Iterable[ServiceDescriptor], check_bytes: CheckBytes) -> None:
        self._check_bytes = check_bytes
        self._fields = {
            f"/{service.full_name}/{method.name}": _fields_of(method.input_type)
            for service in services
            for method in service.methods
        }

    async def check(self, method: str, caller: Caller, body: bytes) -> None:
        """Raises a fault if a request is too large for its caller, or has a list with too many entries."""
        if len(body) > PLAIN_BYTES:
            await self._check_bytes(method, caller, len(body))
        if len(body) > SMALL_BYTES:
            count_entries(self._fields[method], body)


def fields_of(descriptor: Descriptor) -> _Fields:
    """The fields of a message as `count_entries` needs them."""
    return _fields_of(descriptor)


def count_entries(fields: _Fields, body: bytes) -> None:
    """Raises `ValidationFailed` if a field comes more often in a message, or in one inside it, than it may.

    A field that is no list may come again as well (its last value counts), and so may one that this server
    does not know; bytes that are no message are left to the parser unless they hide what follows them.
    """
    _count(fields, memoryview(body), 0, len(body), "")


def _fields_of(descriptor: Descriptor) -> _Fields:
    return {
        field.number: _Field(
            field.name,
            field.is_repeated and field.type not in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES),
            None if field.message_type is None else _fields_of(field.message_type),
            _most_entries(field),
        )
        for field in descriptor.fields
    }


def _most_entries(field: FieldDescriptor) -> int:
    most: int = field.GetOptions().Extensions[limits_pb2.max_entries]  # type: ignore[index]
    return most or MAX_ENTRIES


def _count(fields: _Fields, body: memoryview, start: int, end: int, path: str) -> None:
    counts: dict[int, int] = {}
    for entry in entries_of(body, start, end):
        field = fields.get(entry.number)
        # All unknown fields count together.
        key = entry.number if field is not None else 0
        count = counts[key] = counts.get(key, 0) + 1
        length = entry.end - entry.start if entry.kind == LENGTH else 0
        if field is not None and field.fields is None and field.is_packable:
            # An entry has a byte at least, and numbers of enums have no more.
            count = max(count, length)
        if count > (MAX_ENTRIES if field is None else field.most):
            raise _too_many(path, field)
        if field is not None and field.fields is not None and length > SMALL_BYTES:
            step = f"{field.name}[{count - 1}]"
            _count(field.fields, body, entry.start, min(entry.end, end), f"{path}{step}.")


def _too_many(path: str, field: _Field | None) -> ValidationFailed:
    if field is None:
        return ValidationFailed([Violation("request", f"has more than {MAX_ENTRIES} unknown fields")])
    return ValidationFailed(
        [Violation(f"{path}{field.name}", f"holds more than {field.most} entries, which is never allowed")]
    )

"""Files that are kept apart from the message of a call until it is sent.

A file of many megabytes is copied into its message, and again as that is serialised, once or twice;
everybody else waits meanwhile. So the field has a handle, and the octets are put in its place in one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

# The fields of a message that are files (None), and those that are messages with files in them.
_Files: TypeAlias = "Mapping[int, _Files | None]"
_Pieces: TypeAlias = Sequence[bytes | memoryview]

_LENGTH = 2
_FIXED = {1: 8, 5: 4}
# The octets of files by their handles, for one request.
_apart: ContextVar[dict[bytes, Sequence[bytes]] | None] = ContextVar("apart", default=None)


def keep_apart(files: Mapping[bytes, Sequence[bytes]]) -> None:
    """Keeps the octets of files, in pieces, for the calls of this request. No other bytes equal a handle."""
    _apart.set(dict(files))


def release_files() -> None:
    """Lets go of them: tasks of the request may live longer, and have its context."""
    files = _apart.get()
    if files is not None:
        files.clear()


def size_of(value: bytes) -> int:
    """The bytes of a file, given the value of its field."""
    pieces = (_apart.get() or {}).get(value)
    return len(value) if pieces is None else sum(map(len, pieces))


def serialised(message: Message) -> bytes:
    """The message as it is sent, with its files."""
    text = message.SerializeToString()
    files = _apart.get()
    if not files:
        return text
    return b"".join(_with_files(_files_of(message.DESCRIPTOR), memoryview(text), files) or [text])


def varint(number: int) -> bytes:
    """A number as the protobuf encoding writes it."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


@cache
def _files_of(descriptor: Descriptor) -> _Files:
    found: dict[int, _Files | None] = {}
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_BYTES:
            found[field.number] = None
        elif field.message_type is not None and (inner := _files_of(field.message_type)):
            found[field.number] = inner
    return found


def _with_files(fields: _Files, message: memoryview, files: Mapping[bytes, Sequence[bytes]]) -> _Pieces:
    """The pieces of a message with its files; empty if it has none."""
    pieces: list[bytes | memoryview] = []
    kept = 0
    for number, value_at, start, end in _values_with_length(message):
        if number not in fields:
            continue
        inner, value = fields[number], message[start:end]
        changed = files.get(bytes(value)) if inner is None else _with_files(inner, value, files)
        if changed is not None and (changed or inner is None):
            pieces += [message[kept:value_at], varint(sum(map(len, changed))), *changed]
            kept = end
    if pieces:
        pieces.append(message[kept:])
    return pieces


def _values_with_length(message: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """The values of a message that have a length: the number of the field, the place of the length, and the
    places where the value begins and ends."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        kind = tag & 7
        if kind == _LENGTH:
            length, start = _number(message, at)
            yield tag >> 3, at, start, start + length
            at = start + length
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            _, at = _number(message, at)


def _number(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] > 0x7F:
        value |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | message[at] << shift, at + 1

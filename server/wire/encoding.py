"""The encoding of protobuf messages: tag, length, value (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterator
from typing import NamedTuple

from server.faults import ValidationFailed, Violation

LENGTH = 2
# The bits of the longest number, rounded up to whole bytes of seven.
_MAX_BITS = 70


class Entry(NamedTuple):
    """A field of a message with a value: its places in the bytes.

    `start` and `end` are those of the value, and `value_at` is the place after the tag, where the length of a
    value with a length stands. The end may lie behind that of the message: the parser will refuse that.
    """

    number: int
    kind: int
    value_at: int
    start: int
    end: int


def entries_of(message: memoryview, start: int, end: int) -> Iterator[Entry]:
    """The entries of a message between two places. Raises `ValidationFailed` for bytes that are no message
    and hide what follows them."""
    at = start
    while at < end:
        tag, value_at = read_varint(message, at, end)
        kind = tag & 7
        at = value_at
        match kind:
            case 0:
                _, after = read_varint(message, at, end)
            case 1:
                after = at + 8
            case 2:
                length, at = read_varint(message, at, end)
                after = at + length
            case 5:
                after = at + 4
            case _:
                # A group, which no message of ours has: its end would have to be searched for.
                raise _no_message()
        yield Entry(tag >> 3, kind, value_at, at, after)
        at = after


def read_varint(message: memoryview, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place after it. Raises `ValidationFailed`."""
    value = shift = 0
    while at < end and shift < _MAX_BITS:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _no_message()


def varint(number: int) -> bytes:
    """A number as the encoding writes it."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _no_message() -> ValidationFailed:
    return ValidationFailed([Violation("request", "is no message of this method")])

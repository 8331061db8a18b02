"""The files of a large request: they stay in the bytes that arrived, and the message has handles for them.

To parse a file of many megabytes copies it, and so does each look at the field: while it is copied, every
other call waits. So the files are taken out of the message before it is parsed, and `content_of` finds them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from secrets import token_urlsafe
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from server.wire.encoding import LENGTH, entries_of, varint

# Requests of more bytes have their files taken out, those of more than `SMALL_FILE`.
LARGE_REQUEST = 64 * 1024
SMALL_FILE = 4 * 1024

Piece: TypeAlias = bytes | memoryview
# The fields of a message that are files (None), and those that are messages with files in them.
Files: TypeAlias = Mapping[int, "Files | None"]
# The bytes that stand for those of a file; None if they stay.
_Replace: TypeAlias = Callable[[memoryview], Piece | None]

# Hard to guess: nothing that a caller sends may be taken for a handle.
_PREFIX = token_urlsafe(18).encode()
_HANDLE_BYTES = len(_PREFIX) + 8


class _Held:
    """The files of one request by their handles."""

    def __init__(self) -> None:
        self._files: dict[bytes, memoryview] = {}

    def take(self, content: memoryview) -> bytes | None:
        """A handle for a file; None for a small one."""
        if len(content) <= SMALL_FILE:
            return None
        handle = b"%b%08x" % (_PREFIX, len(self._files))
        self._files[handle] = content
        return handle

    def find(self, value: Piece) -> memoryview | None:
        """The file of a handle; None for bytes that are none."""
        return self._files.get(bytes(value)) if len(value) == _HANDLE_BYTES else None

    def release(self) -> None:
        """Lets go of the files."""
        self._files.clear()


_NONE = _Held()
_held: ContextVar[_Held] = ContextVar("held", default=_NONE)


def files_of(descriptor: Descriptor) -> Files:
    """The files of a message: its fields of bytes, and those of the messages in it."""
    found: dict[int, Files | None] = {}
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_BYTES:
            found[field.number] = None
        elif field.message_type is not None and (inner := files_of(field.message_type)):
            found[field.number] = inner
    return found


def take_files_out(files: Files, body: bytes) -> bytes:
    """The message of a call with handles instead of its files, which `content_of` finds until the call ends.

    Raises `ValidationFailed` for bytes that are no message.
    """
    held = _Held()
    _held.set(held)
    return b"".join(_rewritten(files, memoryview(body), held.take)) or body


def with_files(files: Files, message: bytes) -> Sequence[Piece]:
    """A serialised message with its files again, in pieces: nothing large is copied."""
    return _rewritten(files, memoryview(message), _held.get().find) or [message]


def content_of(value: bytes) -> Piece:
    """The bytes of a file, given the value of its field: what a handle stands for, else the value itself."""
    found = _held.get().find(value)
    return value if found is None else found


def release_files() -> None:
    """Lets go of the files of this call: tasks that it started may live longer, and have its context."""
    _held.get().release()


def _rewritten(files: Files, message: memoryview, replace: _Replace) -> list[Piece]:
    pieces: list[Piece] = []
    kept = 0
    for entry in entries_of(message, 0, len(message)):
        if entry.kind != LENGTH or entry.number not in files or entry.end > len(message):
            # The last is no message: so that the parser refuses it, it stays as it is.
            continue
        inner = files[entry.number]
        value = message[entry.start : entry.end]
        if inner is None:
            replaced = replace(value)
            changed = [] if replaced is None else [replaced]
        else:
            changed = _rewritten(inner, value, replace)
        if changed:
            pieces += [message[kept : entry.value_at], varint(sum(map(len, changed))), *changed]
            kept = entry.end
    if pieces:
        pieces.append(message[kept:])
    return pieces

"""Files inside a message: their MIME parts (RFC 2045, RFC 2183, RFC 2231, RFC 2392)."""

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from server.delivery.encoding import Uncomposable

_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:\s*;[ -~]*)?\Z", re.ASCII)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,256}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# 57 bytes make a line of 76 characters (RFC 2045 section 6.8); so many lines are made at a time.
_LINE = 57
_LINES_AT_ONCE = 1024
_ENCODED_LINE = 76
# How much of a name stands in one line: with what surrounds it less than 78 characters.
_NAME_PIECE = 54
# The attribute characters of RFC 2231 section 7.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file of a message. `content_id` is the name by which HTML shows it, empty if none does.

    `content` comes in parts of whole lines, multiples of 57 bytes, but for the last; it is read once.
    """

    filename: str
    content_type: str
    content_id: str
    content: Iterable[bytes]


def head_of(file: Enclosure) -> tuple[bytes, ...]:
    """The header lines of a file's part. Raises `Uncomposable`."""
    if not _TYPE.match(file.content_type) or (file.content_id and not _CONTENT_ID.match(file.content_id)):
        raise Uncomposable("an attachment whose type or Content-ID cannot be written")
    if _CONTROL.search(file.filename):
        raise Uncomposable("an attachment whose name holds control characters")
    disposition = "inline" if file.content_id else "attachment"
    lines = [
        _typed(file.content_type),
        "Content-Transfer-Encoding: base64\r\n",
        f"Content-Disposition: {disposition};\r\n {_named(file.filename)}\r\n",
    ]
    if file.content_id:
        lines.append(f"Content-ID: <{file.content_id}>\r\n")
    return tuple(line.encode() for line in lines)


def encoded(content: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ended by CRLF."""
    return b"".join(_lines(content))


def _lines(content: bytes) -> Iterator[bytes]:
    step = _LINE * _LINES_AT_ONCE
    for start in range(0, len(content), step):
        text = binascii.b2a_base64(content[start : start + step], newline=False)
        lines = [text[at : at + _ENCODED_LINE] for at in range(0, len(text), _ENCODED_LINE)]
        yield b"\r\n".join([*lines, b""])


def _typed(content_type: str) -> str:
    kind, *parameters = (part.strip() for part in content_type.split(";"))
    return "Content-Type: " + ";\r\n ".join([kind, *filter(None, parameters)]) + "\r\n"


def _named(name: str) -> str:
    """The parameter `filename`: quoted if it is US-ASCII in one line, else as RFC 2231 has it."""
    if name.isascii() and len(name) <= _NAME_PIECE:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{escaped}"'
    pieces = [""]
    for character in name:
        written = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in character.encode())
        if len(pieces[-1]) + len(written) > _NAME_PIECE:
            pieces.append("")
        pieces[-1] += written
    if len(pieces) == 1:
        return f"filename*=utf-8''{pieces[0]}"
    first, *rest = pieces
    lines = [f"filename*0*=utf-8''{first}", *(f"filename*{no}*={piece}" for no, piece in enumerate(rest, 1))]
    return ";\r\n ".join(lines)

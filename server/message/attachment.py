"""Files inside a message: their MIME parts (RFC 2045, RFC 2046, RFC 2183, RFC 2231, RFC 2392)."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from server.addresses import CONTROL
from server.message.encoding import MAX_LINE_LENGTH, Uncomposable, base64_lines, encoded_words, with_crlf
from server.message.headers import is_content_id
from server.message.media_types import UNKNOWN, parts_of, quoted_string

MAX_FILENAME_LENGTH = 255  # characters
# The longest piece of a name, so that its line has less than 78 characters.
_NAME_PIECE = 54
# The attribute characters of RFC 2231 section 7.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. `content_id` is the id by which the HTML refers to it, empty for none.

    `content` yields chunks of a multiple of 57 bytes, the last one of any size, so that each becomes whole
    base64 lines; it is read once.
    """

    filename: str
    content_type: str
    content_id: str
    content: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """A node of the MIME tree: its own header lines, each with its CRLF, and its encoded content.

    The content is in pieces, which may be large and are joined once, at the root.
    """

    head: tuple[bytes, ...]
    content: tuple[bytes, ...]
    is_8bit: bool = False


def filename_problem(name: str) -> str | None:
    """The reason why a file cannot have this name, None if it can."""
    if not name:
        return "is required"
    if len(name) > MAX_FILENAME_LENGTH:
        return f"is longer than {MAX_FILENAME_LENGTH} characters"
    if CONTROL.search(name):
        return "must not hold line breaks or other control characters"
    return "must be a name without a path" if "/" in name or "\\" in name else None


def part(attachment: Attachment) -> Part:
    """The MIME part of an attachment.

    A text whose bytes are UTF-8 says so. A message stands as it is, in 7bit or 8bit (RFC 2046 section 5.2.1);
    one that is empty, or has lines which are too long for that, is a file of unknown type. Raises
    `Uncomposable`.
    """
    content_id, filename = attachment.content_id, attachment.filename
    media_type = parts_of(attachment.content_type)
    if not media_type or (content_id and not is_content_id(content_id)):
        raise Uncomposable("an attachment whose type or Content-ID cannot be written")
    if (problem := filename_problem(filename)) is not None:
        raise Uncomposable(f"the name of an attachment {problem}")
    kind = media_type[0].lower()
    encoding = "base64"
    if kind.startswith("message/"):
        raw = b"".join(attachment.content)
        message = with_crlf(raw)
        if message and b"\x00" not in message and max(map(len, message.split(b"\r\n"))) <= MAX_LINE_LENGTH:
            encoding = "7bit" if message.isascii() else "8bit"
            content: tuple[bytes, ...] = (message,)
        else:
            media_type = (UNKNOWN,)
            content = (base64_lines(raw),)
    elif kind.startswith("text/") and not any(each.lower().startswith("charset=") for each in media_type):
        reading = _Utf8()
        content = tuple(base64_lines(chunk) for chunk in reading.through(attachment.content))
        if reading.is_utf8:
            media_type = (media_type[0], "charset=utf-8", *media_type[1:])
    else:
        content = tuple(map(base64_lines, attachment.content))
    disposition = "inline" if content_id else "attachment"
    # Old programs know the name in the type only, new ones RFC 2231.
    type_lines = ";\r\n ".join((*media_type, f"name={_name_in_type(filename)}"))
    lines = [
        f"Content-Type: {type_lines}\r\n",
        f"Content-Transfer-Encoding: {encoding}\r\n",
        f"Content-Disposition: {disposition};\r\n {_filename_parameter(filename)}\r\n",
    ]
    if content_id:
        lines.append(f"Content-ID: <{content_id}>\r\n")
    return Part(tuple(line.encode() for line in lines), content, is_8bit=encoding == "8bit")


class _Utf8:
    """Finds out if chunks that pass through are UTF-8 together."""

    def __init__(self) -> None:
        self.is_utf8 = True

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        for chunk in chunks:
            self._read(decoder, chunk)
            yield chunk
        self._read(decoder, b"", final=True)

    def _read(self, decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> None:
        if self.is_utf8:
            try:
                decoder.decode(chunk, final)
            except UnicodeDecodeError:
                self.is_utf8 = False


def _name_in_type(name: str) -> str:
    """The value of the parameter `name`: quoted, with encoded words inside as mail programs write them."""
    if name.isascii() and len(name) <= _NAME_PIECE and "=?" not in name:
        return quoted_string(name)
    words = "\r\n ".join(encoded_words(name, len(' name="') + 2))
    return f'"{words}"'


def _filename_parameter(name: str) -> str:
    """The parameter `filename`: quoted if it is US-ASCII and fits into a line, else encoded (RFC 2231)."""
    if name.isascii() and len(name) <= _NAME_PIECE and "=?" not in name:
        return f"filename={quoted_string(name)}"
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

"""Files inside a message: their names and the header of their MIME parts (RFC 2183, RFC 2231, RFC 2392)."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.addresses import CONTROL
from server.message.encoding import Uncomposable
from server.message.headers import is_content_id
from server.message.media_types import is_media_type, parts_of

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


def filename_problem(name: str) -> str | None:
    """The reason why a file cannot have this name, None if it can."""
    if not name:
        return "is required"
    if len(name) > MAX_FILENAME_LENGTH:
        return f"is longer than {MAX_FILENAME_LENGTH} characters"
    if CONTROL.search(name):
        return "must not hold line breaks or other control characters"
    return "must be a name without a path" if "/" in name or "\\" in name else None


def part_headers(attachment: Attachment) -> tuple[bytes, ...]:
    """The header lines of an attachment's part, each with its CRLF. Raises `Uncomposable`."""
    content_id = attachment.content_id
    if not is_media_type(attachment.content_type) or (content_id and not is_content_id(content_id)):
        raise Uncomposable("an attachment whose type or Content-ID cannot be written")
    if (problem := filename_problem(attachment.filename)) is not None:
        raise Uncomposable(f"the name of an attachment {problem}")
    disposition = "inline" if content_id else "attachment"
    media_type = ";\r\n ".join(parts_of(attachment.content_type))
    lines = [
        f"Content-Type: {media_type}\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        f"Content-Disposition: {disposition};\r\n {_filename_parameter(attachment.filename)}\r\n",
    ]
    if content_id:
        lines.append(f"Content-ID: <{content_id}>\r\n")
    return tuple(line.encode() for line in lines)


def _filename_parameter(name: str) -> str:
    """The parameter `filename`: quoted if it is US-ASCII and fits into a line, else encoded (RFC 2231)."""
    if name.isascii() and len(name) <= _NAME_PIECE:
        escaped = name.replace('"', '\\"')
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

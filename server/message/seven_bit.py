"""Messages for hosts without 8BITMIME: parts with octets beyond US-ASCII are encoded anew (RFC 6152).

A part that was signed or encrypted stays as it is: a message in which one needs encoding has no such form.
"""

from collections.abc import Iterator, Sequence

from server.message.encoding import base64_lines, quoted_printable
from server.message.mime_tree import Part, Span, TooComplex, head_and_body, parts_of

_ENCODING = b"content-transfer-encoding"
_VERSION = b"mime-version"


class Inconvertible(ValueError):
    """The message has no form in 7 bits; the message gives the reason."""


def seven_bit(head: Sequence[bytes], body: bytes) -> tuple[list[bytes], bytes]:
    """The header, whose fields each have their CRLF, and the body in US-ASCII. Raises `Inconvertible`.

    The octets of parts in US-ASCII stay as they are.
    """
    message = b"".join((*head, b"\r\n", body))
    try:
        converted = b"".join(_message(message, Span(0, len(message))))
    except TooComplex as error:
        raise Inconvertible(str(error)) from error
    _, whole = head_and_body(converted, Span(0, len(converted)))
    encoding = _encoding_of(converted[: whole.start])
    if encoding and not any(_name_of(line) == _VERSION for line in head):
        # Without it the encoding would mean nothing (RFC 2045 section 4).
        encoding.append(b"MIME-Version: 1.0\r\n")
    lines = [line for line in head if _name_of(line) != _ENCODING]
    text = converted[whole.start :]
    if not text.isascii():
        raise Inconvertible("the header of a message in it holds other octets")
    return [*lines, *encoding], text if text.endswith(b"\r\n") else text + b"\r\n"


def _message(message: bytes, span: Span) -> Iterator[bytes]:
    """The pieces of a message, or of one in another."""
    parts = parts_of(message, *head_and_body(message, span))
    # The parts as a tree: each with the parts that are directly in it.
    children: dict[int, list[Part]] = {}
    path: list[Part] = []
    for part in parts:
        del path[part.depth :]
        if path:
            children.setdefault(id(path[-1]), []).append(part)
        path.append(part)
    yield from _part(message, parts[0], children)


def _part(message: bytes, part: Part, children: dict[int, list[Part]]) -> Iterator[bytes]:
    head = message[part.head.start : part.head.end]
    body = message[part.body.start : part.body.end]
    if body.isascii() and (part.depth == 0 or head.isascii()):
        yield message[part.head.start : part.body.end]
        return
    if part.is_sealed:
        raise Inconvertible("a part with other octets is signed or encrypted")
    if part.depth and not head.isascii():
        raise Inconvertible("the header of a part holds other octets")
    inner = children.get(id(part))
    if inner is not None:
        yield from (_with_encoding(head, b"7bit"), b"\r\n")
        at = part.body.start
        for child in inner:
            yield _between(message, at, child.head.start)
            yield from _part(message, child, children)
            at = child.body.end
        yield _between(message, at, part.body.end)
    elif part.media_type == "message/rfc822":
        yield from (_with_encoding(head, b"7bit"), b"\r\n")
        yield from _message(body, Span(0, len(body)))
    elif part.media_type.startswith("text/") and part.encoding not in ("base64", "quoted-printable"):
        yield from (_with_encoding(head, b"quoted-printable"), b"\r\n", quoted_printable(body))
    elif part.encoding in ("", "7bit", "8bit", "binary") and not part.is_multipart:
        yield from (_with_encoding(head, b"base64"), b"\r\n", base64_lines(body).removesuffix(b"\r\n"))
    else:
        raise Inconvertible("a part is encoded, and holds other octets all the same")


def _between(message: bytes, start: int, end: int) -> bytes:
    """The boundaries between parts, and what nobody sees before the first and after the last one."""
    text = message[start:end]
    if not text.isascii():
        raise Inconvertible("the text between its parts holds other octets")
    return text


def _with_encoding(head: bytes, encoding: bytes) -> bytes:
    """A header with this transfer encoding instead of its own."""
    kept: list[bytes] = []
    is_own = False
    for line in head.splitlines(keepends=True):
        if line[:1] not in (b" ", b"\t"):
            is_own = _name_of(line) == _ENCODING
        if not is_own:
            kept.append(line)
    return b"".join((*kept, b"Content-Transfer-Encoding: ", encoding, b"\r\n"))


def _encoding_of(head: bytes) -> list[bytes]:
    """The field of the transfer encoding in a header that was written here, or that is in US-ASCII."""
    lines: list[bytes] = []
    for line in head.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] += line
        else:
            lines.append(line)
    return [line for line in lines if _name_of(line) == _ENCODING]


def _name_of(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()

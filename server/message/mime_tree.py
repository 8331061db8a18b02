"""The MIME tree of a finished message (RFC 2045, RFC 2046): the places of its parts, none of them copied.

The time is linear in the size of the message for each level of parts, and the levels are few.
"""

import binascii
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from server.message.mime_parameters import MAX_HEAD, NOTHING, Valued, fields_of, text_of, valued
from server.message.pieces import find, pieces

MAX_PARTS = 1_000
MAX_DEPTH = 20
# Places where a boundary stands within a line, or begins a longer one: more are no accident.
_MAX_LOOKALIKES = 10_000
MAX_BOUNDARY = 256  # characters; RFC 2046 section 5.1.1 allows 70
_LF = 0x0A
_NOT_BASE64 = bytes(
    sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
)
# Their parts were signed or encrypted together: no octet may change (RFC 1847).
_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
# The parts of these that are no files: signatures, and the version of an encryption.
_SIGNATURES = frozenset(
    {
        *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
        "application/pgp-encrypted",
    }
)
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


class TooComplex(ValueError):
    """The message has more parts, or levels of parts, than are looked at; the message gives the limit."""


class Span(NamedTuple):
    """The octets from `start` to before `end`."""

    start: int
    end: int


class Part(NamedTuple):
    """A part: its header (without the empty line) and its body, as places in the message.

    `depth` is 0 for the message itself. With `is_sealed` it belongs to a part that was signed or encrypted.
    `children` is the number of parts in it; a multipart without a boundary has none.
    """

    head: Span
    body: Span
    content_type: Valued
    disposition: Valued
    encoding: str
    content_id: str
    depth: int
    is_sealed: bool
    children: int = 0

    @property
    def media_type(self) -> str:
        """The type and subtype in lower case; `text/plain` if it has none that can be read."""
        return self.content_type.value if "/" in self.content_type.value else "text/plain"

    @property
    def is_multipart(self) -> bool:
        """True if it holds parts, or should."""
        return self.media_type.startswith("multipart/")

    @property
    def filename(self) -> str:
        """The name that it has as a file, empty for none."""
        return self.disposition.parameters.get("filename") or self.content_type.parameters.get("name", "")

    @property
    def is_signature(self) -> bool:
        """True if it is the signature of other parts."""
        return self.is_sealed and self.media_type in _SIGNATURES

    @property
    def is_text(self) -> bool:
        """True if it is shown as part of the message, and not as a file."""
        is_file = self.disposition.value == "attachment" or bool(self.filename)
        return self.media_type.startswith("text/") and not is_file


def parts_of(message: bytes, head: Span, body: Span, fields: Mapping[str, str] | None = None) -> list[Part]:
    """The parts of a message in their order, each before the parts in it. Raises `TooComplex`.

    `fields` are the `Content-` fields of the message itself, if they were read already.
    """
    found: list[Part] = []
    _read(message, head, body, 0, False, "text/plain", found, fields)
    return found


def _read(
    message: bytes,
    head: Span,
    body: Span,
    depth: int,
    is_sealed: bool,
    usual_type: str,
    found: list[Part],
    fields: Mapping[str, str] | None = None,
) -> None:
    if depth > MAX_DEPTH:
        raise TooComplex(f"holds parts within parts to more than {MAX_DEPTH} levels")
    if len(found) >= MAX_PARTS:
        raise TooComplex(f"holds more than {MAX_PARTS} parts")
    if fields is None:
        fields = fields_of(message[head.start : min(head.end, head.start + MAX_HEAD)])
    content_type = valued(fields.get("content-type", usual_type))
    is_sealed = is_sealed or content_type.value in _SEALED or content_type.value in _SMIME
    part = Part(
        head,
        body,
        content_type,
        valued(fields["content-disposition"]) if "content-disposition" in fields else NOTHING,
        valued(fields.get("content-transfer-encoding", "")).value,
        fields.get("content-id", ""),
        depth,
        is_sealed,
    )
    at = len(found)
    found.append(part)
    boundary = content_type.parameters.get("boundary", "")
    if not part.is_multipart or not 0 < len(boundary) <= MAX_BOUNDARY:
        return
    usual_type = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    children = 0
    for span in _between(message, body, boundary.encode("utf-8", "replace")):
        children += 1
        child_head, child_body = head_and_body(message, span)
        _read(message, child_head, child_body, depth + 1, is_sealed, usual_type, found)
    found[at] = part._replace(children=children)


def head_and_body(message: bytes, span: Span) -> tuple[Span, Span]:
    """The header and the body of a part; one without an empty line is all header (RFC 5322 section 2.1)."""
    if message.startswith(b"\r\n", span.start, span.end):
        return Span(span.start, span.start), Span(span.start + 2, span.end)
    end = find(message, b"\r\n\r\n", span.start, span.end)
    if end < 0:
        return span, Span(span.end, span.end)
    return Span(span.start, end + 2), Span(end + 4, span.end)


def _between(message: bytes, body: Span, boundary: bytes) -> Iterator[Span]:
    """The places between the lines of a boundary (RFC 2046 section 5.1.1); the last part may lack its end."""
    delimiter = b"--" + boundary
    start = -1
    at = body.start
    lookalikes = 0
    while (at := find(message, delimiter, at, body.end)) >= 0:
        after = at + len(delimiter)
        begins_line = at == body.start or message[at - 1] == _LF
        line_end = _end_of_line(message, after, body.end) if begins_line else -1
        if line_end < 0:
            lookalikes += 1
            if lookalikes > _MAX_LOOKALIKES:
                raise TooComplex("holds a boundary that stands within its lines too often")
            at = after
            continue
        if start >= 0:
            # The line break before a boundary belongs to it.
            yield Span(start, max(start, at - 2))
        if message.startswith(b"--", after, body.end):
            return
        start = at = line_end
    if start >= 0:
        yield Span(start, body.end)


def _end_of_line(message: bytes, at: int, end: int) -> int:
    """The place after the line in which a boundary ends at `at`; -1 if more than `--` and blanks follow."""
    if message.startswith(b"--", at, end):
        at += 2
    # Blanks after a boundary come from relays, and there are few.
    line_end = message.find(b"\n", at, min(end, at + 1_000))
    if line_end < 0:
        return end if end - at < 1_000 and not message[at:end].strip(b" \t\r") else -1
    return line_end + 1 if not message[at:line_end].strip(b" \t\r") else -1


def decoded_size(message: bytes, part: Part) -> int:
    """The bytes of a part's content, decoded, as the plan counts them (Z-21)."""
    span = part.body
    if part.encoding == "base64":
        return sum(len(chunk.translate(None, _NOT_BASE64)) for chunk in _chunks(message, span)) * 3 // 4
    if part.encoding == "quoted-printable":
        return sum(len(binascii.a2b_qp(chunk)) for chunk in _chunks(message, span))
    return span.end - span.start


def decoded_text(message: bytes, part: Part) -> str:
    """The text of a part, however broken its encoding is; its lines end in LF."""
    raw = message[part.body.start : part.body.end]
    if part.encoding == "base64":
        raw = _from_base64(raw)
    elif part.encoding == "quoted-printable":
        raw = binascii.a2b_qp(raw)
    charset = part.content_type.parameters.get("charset", "") or "utf-8"
    return text_of(raw, charset).replace("\r\n", "\n")


def _from_base64(raw: bytes) -> bytes:
    """The bytes of base64 in which other characters are passed over (RFC 2045 section 6.8)."""
    digits = raw.translate(None, _NOT_BASE64)
    # One digit alone is no byte.
    whole = len(digits) - (len(digits) % 4 == 1)
    digits = digits[:whole]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _chunks(message: bytes, span: Span) -> Iterator[bytes]:
    return (message[start:end] for start, end in pieces(span.start, span.end))

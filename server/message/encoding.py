"""Header lines and bodies in the form that every relay accepts: US-ASCII in short lines.

RFC 5322 (lines, folding), RFC 2047 (encoded words), RFC 2045 (transfer encodings), RFC 6532 (addresses
that cannot be written in US-ASCII).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import idna

from server.addresses import CONTROL, Mailbox
from server.message.headers import MAX_WORD_LENGTH, holds_control

# RFC 5322 section 2.1.1, without the CRLF.
_PREFERRED_LINE = 78
_LONGEST_LINE = 998
_ENCODED_WORD = 75  # RFC 2047 section 2
_WORD_FRAME = len("=?utf-8?b??=")
_BASE64_LINE = 76
# 57 bytes make one line of 76 characters (RFC 2045 section 6.8).
_BASE64_LINE_BYTES = 57
_BASE64_LINES_AT_ONCE = 1024

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*"\Z')
# The characters of 7bit text; bare CR and LF are gone before they are looked up.
_PLAIN = bytes([*range(0x20, 0x7F), *b"\t\r\n"])
_BEYOND_ASCII = bytes(range(128, 256)) + b"="
# The bytes that may stand for themselves in a Q word wherever it stands (RFC 2047 section 5, rule 3).
_Q_WORD = [
    chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "!*+-/") else f"={byte:02X}"
    for byte in range(256)
]
_Q_WORD[0x20] = "_"


class Uncomposable(ValueError):
    """The email cannot be written as a message without changing its meaning."""


def unstructured(name: str, value: str) -> bytes:
    """A header line whose value is free text, such as Subject.

    Text beyond US-ASCII becomes encoded words, and so does text that looks like an encoded word: readers must
    see it unchanged. Raises `Uncomposable`.
    """
    value = value.strip(" \t")
    _refuse_control(name, value)
    if value.isascii() and "=?" not in value and all(len(word) <= MAX_WORD_LENGTH for word in value.split()):
        return _folded_or_encoded(name, value, value)
    return _encoded(name, value)


def opaque(name: str, value: str) -> bytes:
    """A header line of the caller whose tokens, such as URLs, must arrive unchanged.

    It is folded between tokens only. Raises `Uncomposable`.
    """
    value = value.strip(" \t")
    _refuse_control(name, value)
    if value.isascii():
        return _folded_or_encoded(name, value, value)
    # In the headers written so, only URLs can hold such characters (RFC 3986 section 2.1).
    quoted = "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in value)
    return _folded_or_encoded(name, quoted, value)


def mailboxes(name: str, boxes: Sequence[Mailbox]) -> bytes:
    """A header line that lists mailboxes. Raises `Uncomposable`."""
    return listed(name, map(mailbox_text, boxes))


@lru_cache(maxsize=4096)
def mailbox_text(box: Mailbox) -> str:
    """One mailbox in the syntax of a header; CRLF and space separate the words of a long name."""
    address = address_text(box.address)
    if not box.name:
        return address
    _refuse_control("a display name", box.name)
    if _ATOMS.match(box.name) and "=?" not in box.name:
        return f"{box.name} <{address}>"
    if box.name.isascii() and "=?" not in box.name:
        quoted = box.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    words = "\r\n ".join(encoded_words(box.name, len("Reply-To: ")))
    return f"{words} <{address}>"


def address_text(address: str) -> str:
    """A bare address in the syntax of headers and envelopes.

    The domain becomes A-labels, a local part that is no dot-atom is quoted; a local part beyond US-ASCII is
    unchanged and needs SMTPUTF8 (RFC 6531). Raises `Uncomposable`.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or CONTROL.search(address) or ">" in domain or " " in domain:
        raise Uncomposable("an address that is none")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError as error:
            raise Uncomposable(f"a domain that DNS cannot hold: {error}") from error
    if _DOT_ATOM.match(local) or _QUOTED.match(local):
        return f"{local}@{domain}"
    if not local.isascii() and not re.search(r'[\s"(),:;<>@\[\\\]]', local):
        return f"{local}@{domain}"
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"@{domain}'


def folded(name: str, value: str) -> bytes:
    """A header line, broken before spaces where it would be longer than 78 characters."""
    if len(name) + 2 + len(value) <= _PREFERRED_LINE:
        return _line(name, value)
    lines: list[str] = []
    line = f"{name}:"
    for gap, word in re.findall(r"([ \t]*)([^ \t]+)", " " + value):
        # The first word stays with the name: some readers drop a header whose first line is empty.
        if len(line) + len(gap) + len(word) > _PREFERRED_LINE and len(line) > len(name) + 1:
            lines.append(line)
            line = ""
        line += gap + word
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode()


def _folded_or_encoded(name: str, value: str, original: str) -> bytes:
    """The folded line of `value`, or encoded words of `original` where folding leaves a line over 998 octets.

    A word of 900 characters after a name of 126 makes such a line, and so does percent-encoded Chinese.
    """
    line = folded(name, value)
    if len(line) > _LONGEST_LINE and max(map(len, line.split(b"\r\n"))) > _LONGEST_LINE:
        return _encoded(name, original)
    return line


def _encoded(name: str, value: str) -> bytes:
    return _line(name, "\r\n ".join(encoded_words(value, len(name) + 2)))


def encoded_words(text: str, column: int) -> Iterator[str]:
    """The encoded words of a text, in the shorter of the two encodings; the first one begins at `column`."""
    raw = text.encode()
    in_q = sum(1 if len(_Q_WORD[byte]) == 1 else 3 for byte in raw) <= len(raw) * 4 // 3
    first_limit = max(16, _PREFERRED_LINE - column)
    for piece in _pieces(text, in_q, first_limit):
        if in_q:
            yield f"=?utf-8?q?{''.join(_Q_WORD[byte] for byte in piece)}?="
        else:
            yield f"=?utf-8?b?{base64.b64encode(piece).decode()}?="


def _pieces(text: str, in_q: bool, first_limit: int) -> Iterator[bytes]:
    """The text in pieces of whole characters (RFC 2047 section 5) that each fit into one encoded word."""
    limit = min(first_limit, _ENCODED_WORD) - _WORD_FRAME
    piece = bytearray()
    size = 0
    for character in text:
        raw = character.encode()
        width = sum(len(_Q_WORD[byte]) for byte in raw) if in_q else len(raw)
        if piece and (size + width if in_q else -(-(size + width) // 3) * 4) > limit:
            yield bytes(piece)
            piece.clear()
            size = 0
            limit = _ENCODED_WORD - _WORD_FRAME
        piece += raw
        size += width
    if piece:
        yield bytes(piece)


def body(text: str) -> tuple[str, bytes]:
    """The transfer encoding of a text and the encoded text, each line ended by CRLF.

    `7bit` where the text allows, else the shorter of `quoted-printable` and `base64`: all of them pass
    relays that know neither 8BITMIME nor long lines, so that no relay breaks the signature by re-encoding.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n", "\r\n")
    if not text.endswith("\r\n"):
        text += "\r\n"
    raw = text.encode("utf-8", "replace")
    if not raw.translate(None, _PLAIN) and max(map(len, raw.split(b"\r\n"))) <= _LONGEST_LINE:
        return "7bit", raw
    beyond_ascii = len(raw) - len(raw.translate(None, _BEYOND_ASCII))
    if beyond_ascii * 6 > len(raw):
        return "base64", base64_lines(raw)
    return "quoted-printable", binascii.b2a_qp(raw, istext=True)


def base64_lines(raw: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ended by CRLF (RFC 2045 section 6.8)."""
    return b"".join(_base64_chunks(raw))


def _base64_chunks(raw: bytes) -> Iterator[bytes]:
    # In chunks: an object for every line of a large file would take more memory than the file.
    step = _BASE64_LINE_BYTES * _BASE64_LINES_AT_ONCE
    for start in range(0, len(raw), step):
        text = binascii.b2a_base64(raw[start : start + step], newline=False)
        lines = [text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE)]
        yield b"\r\n".join([*lines, b""])


def listed(name: str, items: Iterable[str]) -> bytes:
    """A header line of items separated by commas, a new line wherever the next item would not fit."""
    line = f"{name}:"
    out = ""
    pending = ""
    for item in items:
        line += pending
        first, *_ = item.split("\r\n", 1)
        if len(line) + 1 + len(first) > _PREFERRED_LINE and pending:
            out += line + "\r\n"
            line = ""
        line += " " + item
        if "\r\n" in item:
            done, _, line = line.rpartition("\r\n")
            out += done + "\r\n"
        pending = ","
    return f"{out}{line}\r\n".encode()


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _refuse_control(name: str, value: str) -> None:
    if holds_control(value):
        raise Uncomposable(f"{name} holds a line break or another control character")

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

# RFC 5322 section 2.1.1, without the CRLF.
_PREFERRED_LINE = 78
MAX_LINE_LENGTH = 998  # octets
_ENCODED_WORD = 75  # RFC 2047 section 2
_WORD_FRAME = len("=?utf-8?b??=")
# Of a line of quoted-printable, which has at most 76 characters (RFC 2045 section 6.7).
_LONGEST_AFTER_FROM = 76 - len("=46rom")
_BASE64_LINE = 76
# 57 bytes make one line of 76 characters (RFC 2045 section 6.8).
_BASE64_LINE_BYTES = 57
_BASE64_LINES_AT_ONCE = 1024

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*"\Z')
# The characters of 7bit text; bare CR and LF are gone before they are looked up.
_PLAIN = bytes([*range(0x20, 0x7F), *b"\t\r\n"])
_SINGLE_SPACE = re.compile(r"(?<![ \t]) (?![ \t])")
# An encoded blank that ends a line of more than 76 characters.
_BLANK_TOO_FAR = re.compile(rb"=(?:20|09)(?<=[^\r\n]{77})(?=\r)")
_FROM = re.compile(rb"^From [^\r\n]*", re.MULTILINE)
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
    if value.isascii() and "=?" not in value:
        line = folded(name, value)
        # A line cannot be folded within a word, or within a gap of a thousand blanks.
        if not is_too_long(line):
            return line
    return _line(name, "\r\n ".join(encoded_words(value, len(name) + 2)))


def mailboxes(name: str, boxes: Sequence[Mailbox]) -> bytes:
    """A header line that lists mailboxes. Raises `Uncomposable`."""
    return listed(name, [mailbox_text(box) for box in boxes])


@lru_cache(maxsize=4096)
def mailbox_text(box: Mailbox) -> str:
    """One mailbox in the syntax of a header; CRLF and space separate the words of a long name."""
    address = address_text(box.address)
    if not box.name:
        return address
    return f"{phrase(box.name, len('Reply-To: '))} <{address}>"


def phrase(name: str, column: int) -> str:
    """A display name that begins at `column` of its line. Raises `Uncomposable`."""
    _refuse_control("a display name", name)
    if _ATOMS.match(name) and "=?" not in name:
        return name
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "\r\n ".join(encoded_words(name, column))


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
    """A header line, broken before single spaces where it would be longer than 78 characters.

    Some readers make one space of the blanks around a line break, so that no longer gap is broken.
    """
    if len(name) + 2 + len(value) <= _PREFERRED_LINE:
        return _line(name, value)
    lines: list[str] = []
    # The first word stays with the name: some readers drop a header whose first line is empty.
    first, *others = _SINGLE_SPACE.split(value)
    line = f"{name}: {first}"
    for word in others:
        if len(line) + 1 + len(word) > _PREFERRED_LINE:
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode()


def is_too_long(line: bytes) -> bool:
    """True if a physical line of a header line is longer than relays take (RFC 5322 section 2.1.1)."""
    return len(line) > MAX_LINE_LENGTH and max(map(len, line.split(b"\r\n"))) > MAX_LINE_LENGTH


def holds_control(value: str) -> bool:
    """True if a value holds a line break or another control character; a tab is white space (RFC 5322)."""
    return CONTROL.search(value) is not None and CONTROL.search(value.replace("\t", " ")) is not None


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
    relays that know neither 8BITMIME nor long lines, that strip the blanks at the ends of lines, or that
    write `>From`, so that no relay breaks the signature.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n", "\r\n")
    if not text.endswith("\r\n"):
        text += "\r\n"
    raw = text.encode("utf-8", "replace")
    has_from = raw.startswith(b"From ") or b"\nFrom " in raw
    if (
        not raw.translate(None, _PLAIN)
        and not (has_from or b" \r" in raw or b"\t\r" in raw)
        and max(map(len, raw.split(b"\r\n"))) <= MAX_LINE_LENGTH
    ):
        return "7bit", raw
    beyond_ascii = len(raw) - len(raw.translate(None, _BEYOND_ASCII))
    if beyond_ascii * 6 > len(raw):
        return "base64", base64_lines(raw)
    return "quoted-printable", quoted_printable(raw)


def quoted_printable(raw: bytes) -> bytes:
    """A text, whose lines end in CRLF, in quoted-printable (RFC 2045 section 6.7)."""
    # The encoder ends the lines that it makes as it finds the first one ended.
    is_one_line = b"\n" not in raw
    encoded = binascii.b2a_qp(raw + b"\r\n" if is_one_line else raw, istext=True)
    # Encoding may have cut a line before another "From ".
    if encoded.startswith(b"From ") or b"\nFrom " in encoded:
        encoded = _FROM.sub(_without_from, encoded)
    # The encoder takes no account of the blank that it encodes last.
    if b"=20\r\n" in encoded or b"=09\r\n" in encoded:
        encoded = _BLANK_TOO_FAR.sub(rb"=\r\n\g<0>", encoded)
    return encoded.removesuffix(b"\r\n") if is_one_line else encoded


def _without_from(line: re.Match[bytes]) -> bytes:
    """A line of quoted-printable that begins with `From `, in a form that no mailbox file changes."""
    rest = line[0][4:]
    cut = b"=\r\n" if len(rest) > _LONGEST_AFTER_FROM else b""
    return b"=46rom" + cut + rest


def with_crlf(raw: bytes) -> bytes:
    """The bytes of a text with every line, but the last one, ended by CRLF."""
    raw = raw.replace(b"\r\n", b"\n")
    if b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw.replace(b"\n", b"\r\n")


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


def listed(name: str, items: Iterable[str], separator: str = ",") -> bytes:
    """A header line of items, a new line wherever the next item would not fit."""
    line = f"{name}:"
    out = ""
    pending, is_first = "", True
    for item in items:
        line += pending
        first, *_ = item.split("\r\n", 1)
        if len(line) + 1 + len(first) > _PREFERRED_LINE and not is_first:
            out += line + "\r\n"
            line = ""
        line += " " + item
        if "\r\n" in item:
            done, _, line = line.rpartition("\r\n")
            out += done + "\r\n"
        pending, is_first = separator, False
    return f"{out}{line}\r\n".encode()


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _refuse_control(name: str, value: str) -> None:
    if holds_control(value):
        raise Uncomposable(f"{name} holds a line break or another control character")

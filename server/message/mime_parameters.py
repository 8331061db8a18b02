"""The header of a MIME part, read leniently: any program's mail has a meaning (RFC 2045, RFC 2183, RFC 2231).

Everything takes linear time, and nothing is ever refused.
"""

import re
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

# Octets of the header of one part that are looked at, and of one of its fields.
MAX_HEAD = 65_536
MAX_FIELD = 8_192

_FIELD = re.compile(rb"(?im)^(content-[a-z-]+)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)")
_VALUE = re.compile(r"[^;]*")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")


class Valued(NamedTuple):
    """The value of a field in lower case, and its parameters by their names in lower case."""

    value: str
    parameters: Mapping[str, str]


NOTHING = Valued("", {})


def fields_of(head: bytes) -> dict[str, str]:
    """The `Content-` fields of a part's header by their names in lower case; of two the first counts."""
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(head[:MAX_HEAD]):
        text = value[:MAX_FIELD].decode("utf-8", "replace").replace("\r", "").replace("\n", "")
        found.setdefault(name.decode("ascii").lower(), text.strip())
    return found


def valued(text: str) -> Valued:
    """A value with parameters, of which continued and encoded ones are decoded (RFC 2231)."""
    if not text:
        return NOTHING
    begin = _VALUE.match(text)
    assert begin is not None
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    plain: dict[str, str] = {}
    for name, quoted, token in _PARAMETER.findall(text, begin.end()):
        value = _QUOTED_PAIR.sub(r"\1", quoted) if quoted else token.strip()
        section = _SECTION.match(name.lower())
        if section is None or (section[2] is None and section[3] is None):
            plain.setdefault(name.lower(), value)
        else:
            pieces.setdefault(section[1], []).append((int(section[2] or 0), bool(section[3]), value))
    decoded = {name: _joined(parts) for name, parts in pieces.items()}
    return Valued(begin[0].strip().lower(), {**plain, **decoded})


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """The value of the pieces of one parameter; the first of encoded ones names the charset."""
    charset = "utf-8"
    raw: list[bytes] = []
    for at, (_, is_encoded, text) in enumerate(sorted(pieces)):
        if not is_encoded:
            raw.append(text.encode("utf-8", "replace"))
            continue
        named, _, rest = text.split("'", 2) if at == 0 and text.count("'") >= 2 else ("", "", text)
        charset = named or charset
        raw.append(urllib.parse.unquote_to_bytes(rest))
    return text_of(b"".join(raw), charset)


# Charsets of Python that are no text, or the machine's own.
_NOT_OF_MAIL = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs"})


def text_of(raw: bytes, charset: str) -> str:
    """Bytes as text; those that are not of the charset, and NUL, become U+FFFD. An unknown charset is taken
    for UTF-8."""
    try:
        text = raw.decode(charset, "replace") if _is_of_mail(charset) else raw.decode("utf-8", "replace")
    except (LookupError, ValueError, UnicodeError):
        text = raw.decode("utf-8", "replace")
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    # UTF-7 can write half a character, which no store can hold.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _is_of_mail(charset: str) -> bool:
    return charset.isascii() and charset.lower().replace("-", "_") not in _NOT_OF_MAIL

"""Encoded words on the way in (RFC 2047, contract row C-54): text that a caller's library encoded already."""

import base64
import binascii
import codecs
import re
import urllib.parse
from collections.abc import Iterator

# Blanks within a word are against the RFC, and yet written. No part can hold a question mark, so that a
# search takes linear time.
_WORD = re.compile(r"=\?([^?\x00-\x20]{1,64})\?([bBqQ])\?([^?\x00-\x1f]*)\?=")
# The same as part of another expression. Within a list of mailboxes brackets show that it is none: an address
# is never encoded.
WORD_IN_LIST = r"=\?[^?\x00-\x20]{1,64}\?[bBqQ]\?[^?<>\x00-\x1f]*\?="
# Charsets of Python that are transformations or the machine's own, and no charsets of mail.
_NOT_OF_MAIL = frozenset(
    {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"}
)
# UTF-7 can write half a character, which no text can hold.
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class UnreadableWord(ValueError):
    """An encoded word of an unknown charset, or whose bytes are not of its charset."""


def decoded(text: str) -> str:
    """The text with its encoded words decoded, once; a word that cannot be read stays as it is.

    White space between two words is not part of the text (RFC 2047 section 6.2).
    """
    return text if "=?" not in text else "".join(_pieces(text, strict=False))


def strictly_decoded(text: str) -> str:
    """The text with its encoded words decoded, once. Raises `UnreadableWord` for one that cannot be read."""
    return text if "=?" not in text else "".join(_pieces(text, strict=True))


def _pieces(text: str, *, strict: bool) -> Iterator[str]:
    at = 0
    # Neighbours of one charset are joined before they are decoded: some libraries cut within a character.
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        is_neighbour = bool(run) and not between.strip(" \t")
        if not (is_neighbour and word[1].lower() == run[0][1].lower()):
            if run:
                yield _decoded_run(run, strict=strict)
                run = []
            if not is_neighbour:
                yield between
        run.append(word)
        at = word.end()
    if run:
        yield _decoded_run(run, strict=strict)
    yield text[at:]


def _decoded_run(words: list[re.Match[str]], *, strict: bool) -> str:
    # A language may follow the charset (RFC 2231 section 5).
    charset = words[0][1].partition("*")[0]
    try:
        # Python takes any punctuation within the name.
        if codecs.lookup(charset).name.replace("-", "_") in _NOT_OF_MAIL:
            raise LookupError(charset)
        text = b"".join(_bytes(word[2], word[3]) for word in words).decode(charset)
        if _HALF_CHARACTER.search(text):
            raise ValueError(text)
        return text
    except (LookupError, ValueError) as error:
        if strict:
            raise UnreadableWord(words[0][0]) from error
        return " ".join(word[0] for word in words)


def _bytes(encoding: str, content: str) -> bytes:
    """The bytes of one encoded word. Raises `ValueError`."""
    if encoding in "qQ":
        # The Q encoding is percent-encoding with an equals sign; a percent sign stands for itself.
        escaped = content.replace("_", " ").replace("%", "%25").replace("=", "%")
        return urllib.parse.unquote_to_bytes(escaped)
    # Some libraries leave the padding away.
    padded = content.strip() + "=" * (-len(content.strip()) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except binascii.Error as error:
        raise ValueError(content) from error

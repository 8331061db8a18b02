"""The grammar of header fields (RFC 5322, RFC 2047), and the fields that a caller may set (C-36).

Accept and compose use the same functions: each field that accept allows can be composed.
"""

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote_to_bytes

from server.addresses import CONTROL

# Lengths in characters.
MAX_NAME_LENGTH = 126
MAX_VALUE_LENGTH = 8192
# A word cannot be folded, and a line has at most 998 octets (RFC 5322 section 2.1.1).
MAX_WORD_LENGTH = 900
MAX_CONTENT_ID_LENGTH = 128

_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 section 2.2
# RFC 2047 section 2, as widely as readers take it.
_ENCODED_WORD = re.compile(r"=\?([^?]*)\?([QqBb])\?(.*?)\?=")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>\Z")
_CONTENT_ID = re.compile(rf"[!-;=?-~]{{1,{MAX_CONTENT_ID_LENGTH}}}\Z")
# Written by the platform alone (C-36), or by the systems a message passes (RFC 5322 sections 3.6.6, 3.6.7).
_PLATFORM_NAMES = frozenset(
    {
        *("from", "sender", "to", "cc", "bcc", "subject", "date", "mime-version"),
        *("dkim-signature", "domainkey-signature", "return-path", "delivered-to"),
        *("received", "received-spf", "authentication-results"),
    }
)
_PLATFORM_PREFIXES = ("content-", "arc-", "resent-")
# Fields of URLs and ids, in which encoded words are not decoded (RFC 2369, RFC 8058, RFC 5322 3.6.4).
_TOKENS = re.compile(r"(?i)(?:list-(?!id).*|references|in-reply-to)\Z")


def problems(fields: Mapping[str, str], *, has_reply_to: bool) -> Iterator[tuple[str, str]]:
    """The name of each field that a caller may not set, with the reason.

    With `has_reply_to` the message has a Reply-To already, and another one is a problem.
    """
    seen: set[str] = set()
    for name, value in fields.items():
        lowered = name.lower()
        if not _NAME.match(name) or len(name) > MAX_NAME_LENGTH:
            yield name, "is no header name: use printable ASCII without colons and spaces"
        elif lowered in _PLATFORM_NAMES or lowered.startswith(_PLATFORM_PREFIXES):
            yield name, "is written by the platform and cannot be set"
        elif lowered == "idempotency-key":
            yield name, "is for the platform and not for recipients: set idempotency_key"
        elif lowered in seen or (lowered == "reply-to" and has_reply_to):
            yield name, "is given twice"
        else:
            seen.add(lowered)
            if (problem := _value_problem(lowered, value)) is not None:
                yield name, problem


def holds_control(value: str) -> bool:
    """True if a value holds a line break or another control character; a tab is white space (RFC 5322)."""
    return CONTROL.search(value) is not None and CONTROL.search(value.replace("\t", " ")) is not None


def is_message_id(text: str) -> bool:
    """True if a text is one Message-ID with its brackets (RFC 5322 section 3.6.4)."""
    return len(text) <= MAX_WORD_LENGTH and _MESSAGE_ID.match(text) is not None


def is_content_id(text: str) -> bool:
    """True if a text is a Content-ID without its brackets (RFC 2392); an @ is not needed."""
    return _CONTENT_ID.match(text) is not None


def has_tokens(name: str) -> bool:
    """True for a field with URLs or ids, which must not become encoded words."""
    return _TOKENS.match(name) is not None


def _value_problem(lowered: str, value: str) -> str | None:
    if holds_control(value):
        return "must not hold line breaks or other control characters"
    if len(value) > MAX_VALUE_LENGTH:
        return f"is longer than {MAX_VALUE_LENGTH} characters"
    if any(len(word) > MAX_WORD_LENGTH for word in value.split()):
        return f"holds a word of more than {MAX_WORD_LENGTH} characters"
    if lowered == "message-id" and not is_message_id(value.strip()):
        return "must have the form <local@domain>"
    if "=?" in value and _hides_control(value):
        return "hides control characters in an encoded word"
    return None


def _hides_control(value: str) -> bool:
    """True if the decoded form of a value (RFC 2047) holds control characters."""
    # Words of one charset are decoded together: one by one they take seconds where there are thousands.
    texts: dict[tuple[str, str], list[str]] = {}
    # Without its last end each beginning would be followed to the end of the value.
    for charset, encoding, text in _ENCODED_WORD.findall(value, 0, value.rfind("?=") + 2):
        texts.setdefault((charset.lower(), encoding.lower()), []).append(text)
    if texts and not value.isascii():
        # Readers differ about text beyond US-ASCII beside encoded words.
        return True
    try:
        return any(holds_control(_decoded(*kind, words)) for kind, words in texts.items())
    except (ValueError, LookupError):
        return True


def _decoded(charset: str, encoding: str, words: Sequence[str]) -> str:
    """The text of encoded words. Raises ValueError, LookupError."""
    if encoding == "q":
        # The same escapes as in URLs, with another sign; one that is none stands for itself.
        escaped = "".join(words).replace("%", "%25").replace("_", " ").replace("=", "%")
        raw = unquote_to_bytes(escaped)
    else:
        # Readers add the padding that is left out.
        raw = b"".join(binascii.a2b_base64(word + "=" * (-len(word) % 4)) for word in words)
    return raw.decode(charset)

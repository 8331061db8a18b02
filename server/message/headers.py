"""The fields that a caller may set (contract rows C-36, C-54, C-55), and their lines.

Accept and compose use the same function: each field that accept allows can be composed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from server.encoded_words import UnreadableWord, decoded, strictly_decoded
from server.message import structured
from server.message.encoding import (
    MAX_LINE_LENGTH,
    Uncomposable,
    holds_control,
    is_too_long,
    listed,
    unstructured,
)

# Lengths in characters.
MAX_NAME_LENGTH = 126
MAX_VALUE_LENGTH = 8192
MAX_CONTENT_ID_LENGTH = 128
# A word of US-ASCII is not cut; this leaves space for the field's name.
MAX_WORD_LENGTH = 900

_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 section 2.2
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+>\Z")
_CONTENT_ID = re.compile(rf"[!-;=?-~]{{1,{MAX_CONTENT_ID_LENGTH}}}\Z")
# Written by the platform alone (C-36), or by the systems a message passes (RFC 5322 sections 3.6.6, 3.6.7).
_PLATFORM_NAMES = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "mime-version"),
        *("dkim-signature", "domainkey-signature", "return-path", "delivered-to"),
        *("received", "received-spf", "authentication-results"),
    }
)
_PLATFORM_PREFIXES = ("content-", "arc-", "resent-")
_NOT_A_NAME = "is no header name: use printable ASCII without colons and spaces"
# The one value of List-Unsubscribe-Post (RFC 8058 section 3.1).
_ONE_CLICK = "List-Unsubscribe=One-Click"


def problems(fields: Mapping[str, str], *, has_reply_to: bool) -> Iterator[tuple[str, str]]:
    """The name of each field that a caller may not set, with the reason.

    With `has_reply_to` the message has a Reply-To already, and another one is a problem.
    """
    for name, value, problem in _named(fields, has_reply_to=has_reply_to):
        if problem is not None:
            yield name, problem
        # Most values need no look at their line: it has no structure, and is short and plain.
        elif _writer(name) is not None or not _is_plain(value):
            line = _line_or_problem(name, value)
            if isinstance(line, str):
                yield name, line


def written(fields: Mapping[str, str], *, has_reply_to: bool) -> Iterator[tuple[str, bytes | str]]:
    """The name of each field with its complete line, or with the reason (`str`) why it has none."""
    for name, value, problem in _named(fields, has_reply_to=has_reply_to):
        yield name, problem or _line_or_problem(name, value)


def kept(name: str, value: str, lines: bytes) -> bytes | str:
    """The lines of a field that a program wrote itself, or the reason (`str`) why they cannot be sent.

    Lines in US-ASCII stay as they are if the field can be read: nobody knows what depends on them. Others are
    written as those of `written`. `value` is the field's in one line.
    """
    if not lines.isascii():
        return _line_or_problem(name, value)
    if _is_plain(value) and _writer(name) is None:
        return lines
    if holds_control(value):
        return "must not hold line breaks or other control characters"
    if (write := _writer(name)) is None:
        return "hides control characters in an encoded word" if holds_control(decoded(value)) else lines
    try:
        write(value)
    except structured.Unreadable as error:
        return str(error)
    except Uncomposable:
        return "hides control characters in an encoded word"
    return lines


def _named(fields: Mapping[str, str], *, has_reply_to: bool) -> Iterator[tuple[str, str, str | None]]:
    """The name and value of each field, and the reason why it may not have this name."""
    seen: set[str] = set()
    for name, value in fields.items():
        lowered = name.lower()
        problem = _name_problem(name) if len(name) <= MAX_NAME_LENGTH else _NOT_A_NAME
        if problem is None and (lowered in seen or (lowered == "reply-to" and has_reply_to)):
            problem = "is given twice"
        seen.add(lowered)
        yield name, value, problem


@lru_cache(maxsize=1024)
def _name_problem(name: str) -> str | None:
    if not _NAME.match(name):
        return _NOT_A_NAME
    lowered = name.lower()
    if lowered in _PLATFORM_NAMES or lowered.startswith(_PLATFORM_PREFIXES):
        return "is written by the platform and cannot be set"
    if lowered in ("idempotency-key", "x-idempotency-key"):
        return "is for the platform and not for recipients: set idempotency_key"
    return None


def is_message_id(text: str) -> bool:
    """True if a text is one Message-ID with its brackets (RFC 5322 section 3.6.4)."""
    if len(text) > MAX_LINE_LENGTH - len("Message-ID: ") or _MESSAGE_ID.match(text) is None:
        return False
    local, _, domain = text[1:-1].rpartition("@")
    return bool(local and domain)


def is_content_id(text: str) -> bool:
    """True if a text is a Content-ID without its brackets (RFC 2392); an @ is not needed."""
    return _CONTENT_ID.match(text) is not None


def _is_plain(value: str) -> bool:
    return (
        len(value) <= MAX_WORD_LENGTH - MAX_NAME_LENGTH
        and value.isascii()
        and value.isprintable()
        and "=?" not in value
    )


def _line_or_problem(name: str, value: str) -> bytes | str:
    if holds_control(value):
        return "must not hold line breaks or other control characters"
    if len(value) > MAX_VALUE_LENGTH:
        return f"is longer than {MAX_VALUE_LENGTH} characters"
    try:
        line = _line(name, value.strip(" \t"))
    except UnreadableWord as error:
        return f"holds an encoded word that cannot be decoded: {error}"
    except structured.Unreadable as error:
        return str(error)
    except Uncomposable:
        return "hides control characters in an encoded word"
    # A URL, an id or an address cannot be folded.
    return "makes a line of more than 998 octets" if is_too_long(line) else line


@lru_cache(maxsize=1024)
def _writer(name: str) -> Callable[[str], bytes] | None:
    """The function that writes the value of a field with structure; None for one of free text."""
    field = name.lower()
    if field in structured.MAILBOX_FIELDS:
        return lambda value: listed(name, structured.mailboxes(field, value))
    if field in structured.ID_FIELDS:
        return lambda value: listed(name, structured.ids(field, value), separator="")
    if field == "list-id":
        return lambda value: listed(name, structured.list_id(value))
    if field == "list-unsubscribe-post":
        return lambda value: _one_click(name, value)
    if field.startswith("list-") or field == "archived-at":
        return lambda value: listed(name, structured.urls(field, value))
    return None


def _one_click(name: str, value: str) -> bytes:
    if value.replace(" ", "").lower() != _ONE_CLICK.lower():
        raise structured.Unreadable(f"must be {_ONE_CLICK}")
    return unstructured(name, _ONE_CLICK)


def _line(name: str, value: str) -> bytes:
    """The line of a field. Raises `UnreadableWord`, `structured.Unreadable`, `Uncomposable`."""
    if (write := _writer(name)) is not None:
        return write(value)
    text = strictly_decoded(value)
    # Encoded words can be cut anywhere, but programs that read such a field by themselves know none.
    if text.isascii() and any(len(word) > MAX_WORD_LENGTH for word in text.split()):
        raise structured.Unreadable(f"holds a word of more than {MAX_WORD_LENGTH} characters")
    return unstructured(name, text)

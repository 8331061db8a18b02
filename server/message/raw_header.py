"""The header of a finished message, field by field (RFC 5322 section 2.2), with the grammar of `headers`."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from server.message import headers
from server.message.encoding import MAX_LINE_LENGTH
from server.message.mime_parameters import MAX_FIELD

# Octets of a whole header: as much as mail servers usually take.
MAX_HEAD = 102_400
# Systems that a message has passed before it came here: more are a loop (RFC 5321 section 6.3).
MAX_HOPS = 50

_NAME = re.compile(rb"[!-9;-~]+\Z")
_SHOWN = 60  # octets of a wrong line in a text for people

# At most once in a message (RFC 5322 section 3.6, RFC 2045 section 3).
ONCE = frozenset(
    {
        *("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date"),
        *("message-id", "in-reply-to", "references", "idempotency-key", "mime-version"),
        *("content-type", "content-transfer-encoding", "content-id", "content-description"),
        *("content-disposition", "x-zidimail-scheduled-at"),
    }
)
# Nobody else may write these: they would speak for the platform or for systems that come later (C-36).
_FORGED = frozenset(
    {
        *("dkim-signature", "domainkey-signature", "return-path", "delivered-to"),
        *("received-spf", "authentication-results"),
    }
)
# These are for the platform, or would show who got a blind copy.
_PRIVATE = frozenset({"bcc", "resent-bcc", "idempotency-key", "x-idempotency-key"})
# Other names of a field (C-54).
_ALIASES = {"x-idempotency-key": "idempotency-key"}
_OUR_PREFIX = "x-zidimail-"
INSTRUCTIONS = frozenset({"x-zidimail-tag", "x-zidimail-metadata", "x-zidimail-scheduled-at"})


class Field(NamedTuple):
    """A field: its name, the name in lower case, its value in one line, and its own lines, each with CRLF."""

    name: str
    key: str
    value: str
    lines: bytes


class Unreadable(ValueError):
    """The header cannot be read; the message gives the reason."""


@lru_cache(maxsize=1024)
def is_removed(key: str) -> bool:
    """True for a field that is not sent on, whatever it holds; `key` is its name in lower case."""
    return key in _FORGED or key in _PRIVATE or key.startswith((_OUR_PREFIX, "arc-"))


def fields_of(head: bytes) -> list[Field]:
    """The fields of a header whose lines end in CRLF. Raises `Unreadable`."""
    return [_field(lines) for lines in _unfolded(head)]


def checked_fields(head: bytes) -> list[Field]:
    """As `fields_of`, within the limits for a message that comes in."""
    if len(head) > MAX_HEAD:
        raise Unreadable(f"has a header of more than {MAX_HEAD} bytes")
    fields = fields_of(head)
    if sum(field.key == "received" for field in fields) > MAX_HOPS:
        raise Unreadable(f"has passed more than {MAX_HOPS} systems: it runs in a loop")
    return fields


def content_fields(fields: Sequence[Field]) -> dict[str, str]:
    """The fields that say how the body is to be read, by their names in lower case; the first of a name."""
    found: dict[str, str] = {}
    for field in fields:
        if field.key.startswith("content-"):
            found.setdefault(field.key, field.value[:MAX_FIELD])
    return found


def problems(fields: Sequence[Field]) -> Iterator[tuple[str, str]]:
    """The name of each field that may not be as it is, with the reason."""
    seen: set[str] = set()
    for field in fields:
        key = _ALIASES.get(field.key, field.key)
        if key in ONCE and key in seen:
            yield field.name, "is given twice"
        seen.add(key)
        if key.startswith(_OUR_PREFIX) and key not in INSTRUCTIONS:
            yield (
                field.name,
                "is no instruction of the platform, which has X-ZidiMail-Tag, -Metadata and -Scheduled-At",
            )


def line_or_problem(field: Field) -> bytes | str:
    """The lines of a field as they are sent, or the reason (`str`) why it cannot be: those in US-ASCII stand
    as they were written, others are written anew."""
    return headers.kept(field.name, field.value, field.lines)


def _unfolded(head: bytes) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        if len(line) > MAX_LINE_LENGTH:
            raise Unreadable(f"has a header line of more than {MAX_LINE_LENGTH} octets: {_shown(line)}")
        if line[:1] in (b" ", b"\t"):
            if not lines:
                raise Unreadable("begins with a line that continues a header field")
            if not line.strip(b" \t"):
                # Some programs take it for the end of the header.
                raise Unreadable("has a header line of blanks alone")
            lines.append(line)
        elif line:
            if lines:
                yield lines
            lines = [line]
    if lines:
        yield lines


def _field(lines: list[bytes]) -> Field:
    given, colon, value = lines[0].partition(b":")
    names = _names(given) if colon else None
    if names is None:
        raise Unreadable(f"has a line in its header that is no field: {_shown(lines[0])}")
    if given[-1:] in (b" ", b"\t"):
        # To be read and never to be written (RFC 5322 section 4.5): some programs take it for the body.
        lines = [b":".join((names[0].encode(), value)), *lines[1:]]
    if len(lines) > 1:
        value = b"".join((value, *lines[1:]))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"has a header field that is not UTF-8: {names[0]}") from None
    return Field(*names, text.strip(" \t"), b"\r\n".join((*lines, b"")))


# Messages have few names of fields: cached, each costs one look-up.
@lru_cache(maxsize=4096)
def _names(given: bytes) -> tuple[str, str] | None:
    """The name of a field as it was written and in lower case; None if it is none."""
    name = given.rstrip(b" \t")
    if len(name) > headers.MAX_NAME_LENGTH or _NAME.match(name) is None:
        return None
    return name.decode(), name.decode().lower()


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")

"""The JSON of a request's body, as programs send it: with a mark of its encoding, or packed (C-62)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping

import orjson

from edge.transcoding.json_value import Json
from edge.transcoding.status import BODY_ENCODING, Failure

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.ASCII | re.IGNORECASE)
_UTF8 = ("", "utf-8", "utf8", "us-ascii", "ascii")
# The header of gzip's own format, and windows of any size.
_GZIP = 16 + zlib.MAX_WBITS
# Bytes that are unpacked at once, between two looks at the limits.
_STEP = 256 << 10


def is_packed(headers: Mapping[bytes, bytes]) -> bool:
    """True if a body comes in gzip's format. Raises Failure (BODY_ENCODING) for any other coding."""
    coding = headers.get(b"content-encoding", b"").strip().lower()
    if coding in (b"", b"identity"):
        return False
    if coding not in (b"gzip", b"x-gzip"):
        shown = coding.decode("latin-1")[:200]
        raise Failure(BODY_ENCODING, {"encoding": f"the coding {shown}"})
    return True


def unpacked(body: bytes, limit: int, hold: Callable[[int], None]) -> Iterator[bytes]:
    """The content of gzip's format part by part, `limit` bytes at most, however few they were. `hold` gets
    the bytes unpacked so far whenever there are more.

    Raises Failure (BODY_TOO_LARGE, MALFORMED_BODY), and what `hold` raises.
    """
    size = 0
    try:
        while body:
            stream = zlib.decompressobj(_GZIP)
            while not stream.eof:
                part = stream.decompress(body, _STEP)
                body = stream.unconsumed_tail
                if not part and not body and not stream.eof:
                    raise zlib.error
                size += len(part)
                if size > limit:
                    raise Failure("BODY_TOO_LARGE", {"limit": str(limit)})
                hold(size)
                yield part
            # A file in gzip's format may be several, one after the other (RFC 1952 section 2.2).
            body = stream.unused_data
    except zlib.error:
        raise Failure("MALFORMED_BODY", {"detail": "it is not whole in gzip's format"}) from None


MAX_VALUES = 40_000
"""More than a hundred emails have, each with all the recipients, headers and tags that it may have, and more
than 10,000 contacts with their names."""

SMALL_BYTES = 64 << 10
"""Bodies of fewer bytes cost little, whatever they hold."""

# Other characters, texts (ended or not) and lists of numbers, which are no values; then a character that a
# value more goes with. Nothing is tried twice.
_TOO_MANY = re.compile(
    rb'(?:(?:[^",\[{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|\[[\d,\s]*+\])*+[,\[{]){%d}' % (MAX_VALUES + 1),
    re.DOTALL,
)


def parsed(body: bytes, headers: Mapping[bytes, bytes]) -> Json:
    """The JSON of a body; an empty one counts as `{}`. Of a key that comes twice the last counts.

    Raises Failure (UNSUPPORTED_MEDIA_TYPE, BODY_ENCODING, MALFORMED_BODY).
    """
    if not body:
        return {}
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json":
        _check_media_type(content_type.decode("latin-1"))
    check_values(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _in_another_form(body, error)


def _in_another_form(body: bytes, error: orjson.JSONDecodeError) -> Json:
    """The JSON behind a byte order mark; else the reason why a body is none."""
    if body.startswith(_BYTE_ORDER_MARK):
        body = body.removeprefix(_BYTE_ORDER_MARK)
        try:
            return orjson.loads(body) if body else {}
        except orjson.JSONDecodeError as inner:
            error = inner
    if body.startswith(_OTHER_MARKS):
        raise Failure(BODY_ENCODING, {"encoding": "UTF-16 or UTF-32"}) from None
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        raise Failure(BODY_ENCODING, {"encoding": f"bytes that are not UTF-8 (byte {wrong.start})"}) from None
    raise Failure("MALFORMED_BODY", {"detail": str(error)}) from None


def size_of(json: Json) -> int:
    """The bytes of JSON as it is written shortest. Raises Failure (MALFORMED_BODY)."""
    try:
        return len(orjson.dumps(json))
    except orjson.JSONEncodeError:
        # orjson reads deeper than it writes.
        raise Failure("MALFORMED_BODY", {"detail": "it is nested too deeply"}) from None


def check_values(body: bytes) -> None:
    """Refuses a body of more than `MAX_VALUES` values before they become objects, which takes many times the
    memory of their text, and time in which no one else is answered. The octets of a file are no values.

    Raises Failure (MALFORMED_BODY).
    """
    if len(body) <= SMALL_BYTES or sum(map(body.count, (b",", b"[", b"{"))) <= MAX_VALUES:
        return
    if _TOO_MANY.match(body):
        raise Failure("MALFORMED_BODY", {"detail": f"it holds more than {MAX_VALUES} values"})


def wrong_media_type(content_type: str, wanted: str) -> Failure:
    """The failure of a body whose type is not the one that is wanted."""
    return Failure("UNSUPPORTED_MEDIA_TYPE", {"content_type": content_type[:200], "wanted": wanted})


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise wrong_media_type(content_type, "application/json")
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1].lower() not in _UTF8:
        raise Failure(BODY_ENCODING, {"encoding": charset[1][:200]})

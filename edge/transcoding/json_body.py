"""The JSON of a request's body."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from edge.transcoding.json_value import Json
from edge.transcoding.status import Failure

MAX_VALUES = 30_000
"""More than a hundred emails have, each with all the recipients, headers and tags that it may have."""

SMALL_BYTES = 64 << 10
"""Bodies of fewer bytes cost little, whatever they hold."""

# A text, ended or not; a list of numbers; or a character that a value more goes with.
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|\[[\d,\s]*\]|([,\[{])', re.DOTALL)


def parsed(body: bytes, headers: Mapping[bytes, bytes]) -> Json:
    """The JSON of a body; an empty one counts as `{}`. Of a key that comes twice the last counts.

    Raises Failure (UNSUPPORTED_MEDIA_TYPE, MALFORMED_BODY).
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
    count = 0
    for token in _TOKENS.finditer(body):
        if token[1]:
            count += 1
            if count > MAX_VALUES:
                raise Failure("MALFORMED_BODY", {"detail": f"it holds more than {MAX_VALUES} values"})


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise Failure("UNSUPPORTED_MEDIA_TYPE", {"content_type": content_type[:200]})

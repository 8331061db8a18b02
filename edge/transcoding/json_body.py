"""The JSON of a request's body."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from edge.transcoding.json_value import Json
from edge.transcoding.status import Failure


def parsed(body: bytes, headers: Mapping[bytes, bytes]) -> Json:
    """The JSON of a body; an empty one counts as `{}`. Of a key that comes twice the last counts.

    Raises Failure (UNSUPPORTED_MEDIA_TYPE, MALFORMED_BODY).
    """
    if not body:
        return {}
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json":
        _check_media_type(content_type.decode("latin-1"))
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Failure("MALFORMED_BODY", {"detail": str(error)}) from None


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise Failure("UNSUPPORTED_MEDIA_TYPE", {"content_type": content_type[:200]})

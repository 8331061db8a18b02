"""The parts of an error answer that every dialect needs: its time and its headers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from edge.rates import Rate
from edge.transcoding.asgi import Answer, Header
from edge.transcoding.status import Failure


def resets_at(failure: Failure, status: int) -> str | None:
    """The time at which a limit is lifted, ISO 8601 in UTC; None where there is none."""
    if "resets_at" in failure.metadata:
        return failure.metadata["resets_at"]
    if status != 429:
        return None
    moment = datetime.fromtimestamp(time.time() + _pause_s(failure), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def error_answer(status: int, body: Mapping[str, object], failure: Failure) -> Answer:
    """An answer with the headers that HTTP wants beside its status."""
    headers: list[Header] = []
    match status:
        case 401:
            headers.append((b"www-authenticate", b"Bearer"))
        case 405:
            headers.append((b"allow", failure.metadata["allow"].encode()))
        case 503 | 429:
            seconds = max(1, math.ceil(_pause_s(failure)))
            headers.append((b"retry-after", b"%d" % seconds))
            headers += _rate_headers(failure.metadata, seconds)
    # Metadata may hold what a caller sent, whatever bytes those were.
    return Answer(status, orjson.dumps(_clean(body)), tuple(headers))


def _pause_s(failure: Failure) -> float:
    """Seconds after which a request may be repeated."""
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    try:
        if "resets_at" in failure.metadata:
            return datetime.fromisoformat(failure.metadata["resets_at"]).timestamp() - time.time()
        return float(failure.metadata["retry_after"])
    except (KeyError, ValueError):
        return 1


def _rate_headers(metadata: Mapping[str, str], reset_s: int) -> tuple[Header, ...]:
    """The quota that a request did not fit into (F-9). A burst limit comes without `used`: all of it is."""
    try:
        limit = int(metadata["limit"])
        used = int(metadata.get("used", limit))
    except (KeyError, ValueError):
        return ()
    return Rate(limit, limit - used, reset_s).headers


def _clean(value: object) -> object:
    """The same value with lone surrogates, which no JSON can hold, replaced."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {key: _clean(item) for key, item in value.items()}
    return value

"""The headers of sends and of their answers, alike in every dialect (F-1, F-9)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from zidimail.v1.email_service_pb2 import BatchSendEmailsResponse

from edge.dialects.dialect import HeaderField
from edge.rates import Rate
from edge.transcoding.asgi import Header
from edge.transcoding.schema import Schema

IDEMPOTENCY_KEY = b"idempotency-key"
IDEMPOTENCY_KEY_LIMITS: Schema = {"minLength": 1, "maxLength": 256, "pattern": "^[ -~]+$"}

# Of two the documented one counts, which is written last.
KEY_HEADERS: Mapping[bytes, HeaderField] = {
    b"x-idempotency-key": HeaderField("idempotency_key"),
    IDEMPOTENCY_KEY: HeaderField("idempotency_key"),
}

_REPLAYED: tuple[Header, ...] = ((b"idempotent-replayed", b"true"),)


def replayed_header(response: Any) -> tuple[Header, ...]:
    """The mark of an earlier answer (F-1)."""
    return _REPLAYED if response.replayed else ()


def send_headers(response: Any) -> tuple[Header, ...]:
    """The headers of an answer to sends: the mark of an earlier one (F-1), and the nearest quota (F-9)."""
    headers = replayed_header(response)
    is_batch = isinstance(response, BatchSendEmailsResponse)
    sent = [it.sent for it in response.results] if is_batch else [response]
    quotas = [it.rate_limit for it in sent if it.HasField("rate_limit")]
    if not quotas:
        return headers
    nearest = min(quotas, key=attrgetter("remaining"))
    reset_s = max(0, math.ceil(nearest.resets_at.seconds - time.time()))
    return (*headers, *Rate(nearest.limit, nearest.remaining, reset_s).headers)

"""The decision after an attempt: success, retry or failure (contract row C-33)."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from server.work.backoff import jittered

# Seconds after the first, second, ... failed attempt: the schedule of Standard Webhooks, about three days.
# The first attempt is made at once.
STEPS_S = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
ATTEMPTS = len(STEPS_S) + 1
# The age at which a call fails: a receiver that answers 429 does not use up attempts.
MAX_AGE_S = 4 * 86_400.0
_GONE = 410
_TOO_MANY = 429
_HONOURED = frozenset({_TOO_MANY, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on a call; `delay_s` is the time to its next attempt, None for none."""

    outcome: Literal["delivered", "deferred", "given_up", "gone"]
    delay_s: float | None = None


def verdict(
    attempts: int,
    status: int | None,
    retry_after_s: float | None,
    age_s: float,
    chance: Callable[[], float] = random.random,
) -> Verdict:
    """The decision on a call after `attempts` attempts; `status` is that of the last response, None for none.

    2xx is success, 410 disables the webhook, any other status, redirects too, is retried. A `Retry-After` of
    429, 502, 503 or 504 is honoured between the scheduled delay and its double. `age_s` counts from the
    event; `chance` returns a number in [0, 1).
    """
    if status is not None and 200 <= status < 300:
        return Verdict("delivered")
    if status == _GONE:
        return Verdict("gone")
    if attempts >= ATTEMPTS and (status != _TOO_MANY or age_s >= MAX_AGE_S):
        return Verdict("given_up")
    step = STEPS_S[min(attempts, len(STEPS_S)) - 1]
    if status in _HONOURED and retry_after_s is not None:
        return Verdict("deferred", min(max(retry_after_s, step), 2 * step))
    return Verdict("deferred", jittered(step, chance))


def seconds_of(retry_after: str | None, now_ms: int) -> float | None:
    """A `Retry-After` header in seconds from now (RFC 9110 section 10.2.3); None if it is not valid."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        # A longer number is a mistake, and could overflow a float.
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds())

"""What follows from an attempt: a pure decision (contract row C-33)."""

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
# A receiver that asks to slow down (429) does not use its attempts up; this ends it.
MAX_AGE_S = 4 * 86_400.0
_GONE = 410
_TOO_MANY = 429
_HONOURED = frozenset({_TOO_MANY, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a call; `delay_s` is the time to its next attempt if there is one."""

    outcome: Literal["delivered", "deferred", "given_up", "gone"]
    delay_s: float | None = None


def verdict(
    attempts: int,
    status: int | None,
    retry_after_s: float | None,
    age_s: float,
    chance: Callable[[], float] = random.random,
) -> Verdict:
    """What becomes of a call after `attempts` attempts, the last answered with `status`, or not at all.

    2xx is success, 410 ends the webhook, everything else, redirects too, is repeated. A `Retry-After` of
    429, 502, 503 or 504 is honoured between the scheduled delay and its double. `age_s` counts from the
    event; `chance` gives a number in [0, 1).
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
    """A `Retry-After` header in seconds from now (RFC 9110 section 10.2.3); None if it says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        # A number that long is not meant; a float would overflow on some.
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds())

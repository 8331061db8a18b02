"""The outcome of a reply for a recipient, and the next step: pure decisions.

RFC 5321 section 4.2.1 (replies), RFC 3463 and RFC 5248 (enhanced status codes).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import random

from server.work.backoff import DELIVERY_S, JITTER, delay_s

# Characters kept of a receiver's text. A hostile receiver must not fill the store.
MAX_TEXT = 1000
_LONGEST_WAIT_MS = round(DELIVERY_S[-1] * 1000)


class Stage(StrEnum):
    """The stage of the SMTP dialogue at which the outcome of an attempt was decided."""

    GREETING = "greeting"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Verdict(StrEnum):
    """The outcome of one attempt for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    # Only the simulator says these: a receiving system takes its time for the one, and is not asked for the
    # other.
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt for one recipient.

    `code` is 0 if no reply came; `status` is the enhanced status code, made up from the situation if the
    reply has none; `host` is empty if none was spoken to. `uncertain` means that the message was sent
    completely and no reply was seen: the receiver may have it.
    """

    verdict: Verdict
    code: int
    status: str
    text: str
    host: str = ""
    uncertain: bool = False
    # It was made up here: it says nothing about anybody's address.
    simulated: bool = False


def judge(stage: Stage, code: int, status: str, text: str, host: str) -> Outcome:
    """The outcome of a reply at a stage of the dialogue, for the recipients that it concerns.

    Permanent is only a 5yz reply about this message or recipient: one in the greeting is about us, and
    one whose enhanced code says 4.x.y is meant to pass.
    """
    text = text[:MAX_TEXT]
    if 200 <= code < 300:
        return Outcome(Verdict.DELIVERED, code, status or "2.0.0", text, host)
    permanent = 500 <= code < 600 and stage is not Stage.GREETING
    if permanent and not status.startswith("4"):
        return Outcome(Verdict.BOUNCED, code, status or _status_of(stage, code), text, host)
    return Outcome(Verdict.DEFERRED, code, status or _status_of(stage, code), text, host)


def unreachable(status: str, text: str, host: str = "") -> Outcome:
    """The outcome when no reply came: the network, the name service or the other side failed."""
    return Outcome(Verdict.DEFERRED, 0, status, text[:MAX_TEXT], host)


def impossible(status: str, text: str, host: str = "") -> Outcome:
    """The outcome when no host can ever take the mail: no such domain, a null MX."""
    return Outcome(Verdict.BOUNCED, 0, status, text[:MAX_TEXT], host)


def unanswered(text: str, host: str) -> Outcome:
    """The outcome when the message was sent and no reply to it came (RFC 1047)."""
    return Outcome(Verdict.DEFERRED, 0, "4.4.2", text[:MAX_TEXT], host, uncertain=True)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits of retries: a recipient is tried for `lifetime_ms` after acceptance.

    After an uncertain attempt the next one waits at least `uncertain_ms`: what broke the connection off
    should have passed, and the receiver may recognise the same Message-ID.
    """

    lifetime_ms: int
    uncertain_ms: int

    def next_due(
        self,
        now_ms: int,
        accepted_at: int,
        attempts: int,
        *,
        uncertain: bool,
        chance: Callable[[], float] = random,
    ) -> int | None:
        """When to try again after `attempts` attempts, the last of which failed for now; None: never.

        The last attempt comes when the lifetime ends, so that nothing waits beyond it.
        """
        end = accepted_at + self.lifetime_ms
        if now_ms >= end:
            return None
        if uncertain:
            # Doubled each time: a receiver that takes messages and never says so must not get many of them.
            longest = max(self.uncertain_ms, _LONGEST_WAIT_MS)
            wait_ms = min(longest, self.uncertain_ms * 2.0 ** min(attempts - 1, 16))
            return now_ms + round(wait_ms * (1 + JITTER * chance()))
        wait_ms = delay_s(DELIVERY_S, attempts, chance) * 1000
        return min(now_ms + round(wait_ms), max(end, now_ms + 1000))


def _status_of(stage: Stage, code: int) -> str:
    detail = {Stage.RCPT: "1.0", Stage.MAIL: "1.0"}.get(stage, "0.0")
    return f"{'5' if 500 <= code < 600 else '4'}.{detail}"

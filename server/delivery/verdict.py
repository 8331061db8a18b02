"""What a reply means for a recipient, and what happens next: pure decisions.

RFC 5321 section 4.2.1 (replies), RFC 3463 and RFC 5248 (enhanced status codes).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from random import random
from typing import Literal

from server.work.backoff import DELIVERY_S, JITTER, delay_s

# More of a receiver's text would only help somebody who wants to fill our store.
MAX_TEXT = 1000
_LONGEST_WAIT_MS = round(DELIVERY_S[-1] * 1000)


class Stage(StrEnum):
    """How far an attempt had come when its outcome was decided."""

    ROUTE = "route"
    CONNECT = "connect"
    GREETING = "greeting"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Verdict(StrEnum):
    """What became of one attempt for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"


# What a failure says about the recipient: gone for good, in trouble for now, or our mail is unwanted.
Class = Literal["hard", "soft", "policy"]

_HARD = frozenset(("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
_SOFT = frozenset(("5.2.2", "5.2.3", "5.3.4"))


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


def judge(stage: Stage, code: int, status: str, text: str, host: str) -> Outcome:
    """What a reply at some stage of the dialogue means for the recipients it concerns.

    Permanent is only a 5yz reply about this message or recipient: one in the greeting is about us, and
    one whose enhanced code says 4.x.y is meant to pass.
    """
    text = text[:MAX_TEXT]
    if 200 <= code < 300:
        return Outcome(Verdict.DELIVERED, code, status or "2.0.0", text, host)
    permanent = 500 <= code < 600 and stage not in (Stage.CONNECT, Stage.GREETING)
    if permanent and not status.startswith("4"):
        return Outcome(Verdict.BOUNCED, code, status or _status_of(stage, code), text, host)
    return Outcome(Verdict.DEFERRED, code, status or _status_of(stage, code), text, host)


def unreachable(status: str, text: str, host: str = "") -> Outcome:
    """The outcome when no reply came: the network, the name service or the other side failed."""
    return Outcome(Verdict.DEFERRED, 0, status, text[:MAX_TEXT], host)


def impossible(status: str, text: str, host: str = "") -> Outcome:
    """The outcome when there is nobody to ask, now or later: no such domain, a null MX."""
    return Outcome(Verdict.BOUNCED, 0, status, text[:MAX_TEXT], host)


def unanswered(text: str, host: str) -> Outcome:
    """The outcome when the message was sent and no reply to it came (RFC 1047)."""
    return Outcome(Verdict.DEFERRED, 0, "4.4.2", text[:MAX_TEXT], host, uncertain=True)


def class_of(outcome: Outcome) -> Class:
    """What a failed attempt says about its recipient; only `hard` says that the address is bad."""
    subject, _, detail = outcome.status.partition(".")
    if outcome.verdict is not Verdict.BOUNCED:
        return "soft"
    if detail.startswith("7.") or "spam" in outcome.text.lower():
        return "policy"
    if outcome.status in _SOFT:
        return "soft"
    return "hard" if outcome.status in _HARD or subject == "5" else "soft"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a recipient is tried: `lifetime_ms` from the acceptance on.

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


def email_status(recipients: Collection[str]) -> str:
    """The status of an email whose recipients have these: while one is open, else the worst of them."""
    for status in ("delivery_delayed", "queued", "complained", "bounced", "failed"):
        if status in recipients:
            return status
    return "delivered"


def _status_of(stage: Stage, code: int) -> str:
    detail = {Stage.RCPT: "1.0", Stage.MAIL: "1.0"}.get(stage, "0.0")
    return f"{'5' if 500 <= code < 600 else '4'}.{detail}"

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


# The subject and detail (RFC 5248) of codes that say more than their stage does; None: at any other stage.
_DETAILS: dict[tuple[Stage | None, int], str] = {
    (Stage.RCPT, 452): "2.2",
    (Stage.RCPT, 552): "2.2",
    (None, 452): "3.1",
    (None, 552): "3.4",
    (None, 500): "5.2",
    (None, 501): "5.4",
    (None, 502): "5.1",
    (None, 503): "5.1",
    (None, 504): "5.4",
}


class Verdict(StrEnum):
    """The outcome of one attempt for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    # Only the simulator says these: a receiving system takes its time for the one, and is not asked for the
    # other.
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    # Decided here, without an attempt: it may not be sent any more, or not while its organisation is paused.
    REFUSED = "refused"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt for one recipient.

    `code` is 0 if no reply came; `status` is the enhanced status code, made up from the situation if the
    reply has none; `host` is empty if none was spoken to; `stage` is None if no reply decided. `uncertain`
    means that the message was sent completely and no reply was seen: the receiver may have it. `of_host`
    marks a bounce that says what this host cannot do, and nothing of the other hosts of the site.
    """

    verdict: Verdict
    code: int
    status: str
    text: str
    host: str = ""
    uncertain: bool = False
    # It was made up here: it says nothing about anybody's address.
    simulated: bool = False
    stage: Stage | None = None
    of_host: bool = False

    @property
    def is_open(self) -> bool:
        """True if another host may take the mail: this one has not, and did not refuse it for good.

        An uncertain attempt is not open: the host may have the message.
        """
        return self.of_host or (self.verdict is Verdict.DEFERRED and not self.uncertain)


def judge(stage: Stage, code: int, status: str, text: str, host: str, *, may_pass: bool = False) -> Outcome:
    """The outcome of a reply at a stage of the dialogue, for the recipients that it concerns.

    Permanent is only a 5yz reply about this message or recipient: one in the greeting is about us, and
    one whose enhanced code says 4.x.y is meant to pass. With `may_pass` no reply is permanent, as the
    connection is not what it should be (contract row C-60).
    """
    text = text[:MAX_TEXT]
    if 200 <= code < 300:
        return Outcome(Verdict.DELIVERED, code, status or "2.0.0", text, host, stage=stage)
    status = status or _status_of(stage, code)
    permanent = 500 <= code < 600 and stage is not Stage.GREETING and not may_pass
    if permanent and not status.startswith("4"):
        # A refusal of the size that MAIL declared is the same as a limit in EHLO (RFC 1870 section 6.1).
        of_host = stage is Stage.MAIL and status == "5.3.4"
        return Outcome(Verdict.BOUNCED, code, status, text, host, stage=stage, of_host=of_host)
    return Outcome(Verdict.DEFERRED, code, status, text, host, stage=stage)


def demands_tls(code: int, status: str, text: str) -> bool:
    """True for a refusal of a connection in clear: 530 of RFC 3207, 523 and 538 of RFC 5248 section 2.4."""
    return code in (523, 530, 538) or status in ("5.7.10", "5.7.11") or "STARTTLS" in text.upper()


def is_too_many(code: int, status: str) -> bool:
    """True for a reply to RCPT that may mean that the transaction has too many recipients.

    RFC 5321 section 4.5.3.1.10: some servers say 552 for it. Both codes have other meanings, which the same
    recipient hears again as the first one of a transaction.
    """
    return status in ("4.5.3", "5.5.3") or code in (452, 552)


def unreachable(status: str, text: str, host: str = "") -> Outcome:
    """The outcome when no reply came: the network, the name service or the other side failed."""
    return Outcome(Verdict.DEFERRED, 0, status, text[:MAX_TEXT], host)


def impossible(status: str, text: str) -> Outcome:
    """The outcome when no host can ever take the mail: no such domain, a null MX."""
    return Outcome(Verdict.BOUNCED, 0, status, text[:MAX_TEXT])


def unfit(status: str, text: str, host: str) -> Outcome:
    """The outcome when this host cannot take the mail: a bounce only if the site has no other host."""
    return Outcome(Verdict.BOUNCED, 0, status, text[:MAX_TEXT], host, of_host=True)


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
    """The enhanced status code of a reply that has none."""
    detail = _DETAILS.get((stage, code)) or _DETAILS.get((None, code))
    if detail is None:
        detail = "1.0" if stage in (Stage.MAIL, Stage.RCPT) else "0.0"
    return f"{'5' if 500 <= code < 600 else '4'}.{detail}"

"""The states of accounts and the rates that they follow from, as pure functions (S-19, S-20, C-43, C-69).

An account that has sent enough in the window is paused when a rate reaches its limit, and reviewed from half
of it on. By itself an account only gets worse, with one exception: one under review becomes healthy after 24
hours in which its rates stay below those of a review, unless the operator put it there (policy). A paused
account does not heal: it cannot send, so that its rates say nothing new. S-19 and its document let it appeal,
and the operator moves it to review, from where it heals after 24 clean hours, or to healthy. Only the
operator bans.

Whenever an account gets better its counts begin anew: a decision is not undone by what led to the one before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

from server.events.event import Event

State: TypeAlias = Literal["healthy", "review", "paused", "banned"]
Reason: TypeAlias = Literal["bounce_rate", "complaint_rate", "policy"]
# The part of a recipient's event in the health of the account. A refusal that blames no mailbox (C-60)
# counts as sent alone; simulated and captured mail counts as nothing.
CountsAs: TypeAlias = Literal["delivered", "bounced", "refused", "complained"]

# From the best to the worst.
STATES: tuple[State, ...] = get_args(State)
# The states in which an account may send.
MAY_SEND: tuple[State, ...] = ("healthy", "review")
HOUR_MS = 3_600_000
# The hours after which an account under review heals (S-19).
CLEAN_HOURS = 24
# The part of a limit from which on an account is reviewed.
_REVIEW = Fraction(1, 2)
_ANSWERS = frozenset(("email.delivered", "email.bounced", "email.complained"))
_WHY: Mapping[Reason, str] = {
    "bounce_rate": "Too many of the addresses that it wrote to do not exist.",
    "complaint_rate": "Too many recipients reported its mail as unwanted.",
    "policy": "The operator decided so.",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """Recipients: those whose receiving system answered for good, and among them those who got the message,
    whose mailbox was refused, and who complained."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.sent + other.sent,
            self.delivered + other.delivered,
            self.bounced + other.bounced,
            self.complained + other.complained,
        )

    @property
    def bounce_rate(self) -> Fraction:
        """The bounced of those sent to; 0 if there are none."""
        return Fraction(self.bounced, self.sent) if self.sent else Fraction(0)

    @property
    def complaint_rate(self) -> Fraction:
        """The complaints of those delivered to, as in the statistics (C-46); 0 if there are none."""
        return Fraction(self.complained, self.delivered) if self.delivered else Fraction(0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of both rates, 0 to 1, None for no limit; the window in hours; the least sent in it."""

    bounce: Fraction | None
    complaint: Fraction | None
    window_hours: int
    least_sent: int

    def exceeded(self, counts: Counts, part: Fraction = Fraction(1)) -> tuple[Reason, ...]:
        """The rates that reach this part of their limits."""
        reasons: list[Reason] = []
        if self.bounce is not None and counts.sent and counts.bounce_rate >= self.bounce * part:
            reasons.append("bounce_rate")
        if self.complaint is not None and counts.delivered and counts.complaint_rate >= self.complaint * part:
            reasons.append("complaint_rate")
        return tuple(reasons)

    def review(self, limit: Fraction) -> Fraction:
        """The rate from which on an account is reviewed, whose limit for a pause is `limit`."""
        return limit * _REVIEW


class Standing(NamedTuple):
    """The state of an account with its reasons and the operator's note; no reasons if none is known."""

    state: State
    reasons: tuple[Reason, ...] = ()
    note: str = ""

    @property
    def why(self) -> str:
        """The reasons as sentences."""
        sentences = [_WHY[reason] for reason in self.reasons] or ["The reason was not recorded."]
        if self.note:
            sentences.append(f"The operator's note: {self.note}")
        return " ".join(sentences)


class Verdict(NamedTuple):
    """A new state, and the reasons for it."""

    state: State
    reasons: tuple[Reason, ...]


def is_better(state: State, than: State) -> bool:
    """True if an account gets better by this change."""
    return STATES.index(state) < STATES.index(than)


def reasons_decided(before: State, state: State) -> tuple[Reason, ...]:
    """The reasons for a state that an operator decided.

    They are policy, unless the account gets better: then nothing is held against it any more, and one that
    comes back under review heals as if it had come there by its rates.
    """
    return () if state == "healthy" or is_better(state, before) else ("policy",)


def judge(present: Standing, counts: Counts, thresholds: Thresholds) -> Verdict | None:
    """The worse state that follows from the counts of the window; None if the account stays as it is."""
    if counts.sent < thresholds.least_sent:
        return None
    levels: Sequence[tuple[State, Fraction]] = (("paused", Fraction(1)), ("review", _REVIEW))
    for state, part in levels:
        reasons = thresholds.exceeded(counts, part)
        if reasons and is_better(present.state, state):
            kept: tuple[Reason, ...] = ("policy",) if "policy" in present.reasons else ()
            return Verdict(state, (*reasons, *kept))
    return None


def heals_at(present: Standing, since_ms: int) -> int | None:
    """The earliest time at which an account heals by itself; None if it does not."""
    if present.state != "review" or "policy" in present.reasons:
        return None
    return since_ms + CLEAN_HOURS * HOUR_MS


def is_healed(
    present: Standing, since_ms: int, last_hours: Counts, thresholds: Thresholds, now_ms: int
) -> bool:
    """True if an account heals now. `last_hours` are the counts of the last 24 hours, however few."""
    at = heals_at(present, since_ms)
    return at is not None and now_ms >= at and not thresholds.exceeded(last_hours, _REVIEW)


def first_hour(now_ms: int, hours: int) -> int:
    """The first of the last `hours` hours, this one included, in hours since 1970 UTC."""
    return now_ms // HOUR_MS - hours + 1


class NewEvent(Event, Protocol):
    """An entry of the log that is to be counted."""

    @property
    def counts_as(self) -> str | None: ...


# An organisation, and an hour since 1970 UTC.
OrgHour: TypeAlias = tuple[str, int]


def hourly_counts(earlier: Iterable[Event], new: Collection[NewEvent]) -> dict[OrgHour, Counts]:
    """The counts of the `new` events by organisation and hour.

    `earlier` are all earlier events of the same emails: a recipient is sent to once, at the first answer. A
    complaint that comes first is about a message that was delivered.
    """
    counts: dict[OrgHour, Counts] = {}
    if not any(event.counts_as for event in new):
        return counts
    answered = {_recipient(event) for event in earlier if event.type in _ANSWERS}
    for event in new:
        if event.type not in _ANSWERS:
            continue
        is_first = _recipient(event) not in answered
        answered.add(_recipient(event))
        if event.counts_as is None or event.test:
            continue
        is_complaint = event.counts_as == "complained"
        hour = event.org_id, event.created_at // HOUR_MS
        counts[hour] = counts.get(hour, Counts()) + Counts(
            sent=int(is_first),
            delivered=int(event.counts_as == "delivered" or (is_complaint and is_first)),
            bounced=int(event.counts_as == "bounced"),
            complained=int(is_complaint),
        )
    return counts


def _recipient(event: Event) -> tuple[str, str, str]:
    return event.org_id, event.email_id, event.recipient

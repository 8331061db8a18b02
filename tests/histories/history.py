"""The notes of a run: the replies to clients, what readers saw, what receivers got. Times are in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Reply = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Send:
    """A send without an idempotency key, and the reply to its client: whether it is accepted.

    It is `unknown` if no answer came, or one that says so (C-94).
    """

    mark: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Cancel:
    """The cancellation of a scheduled email; `reply` is `no` if it was too late."""

    mark: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Called:
    """A request that a webhook's receiver got."""

    path: str
    event_id: str
    at: float


@dataclass(slots=True)
class History:
    """All of one run.

    `taken` are the marks of the mails that the receiver took, once for each time. `readings` are the ids of
    events by the name of their reader, in the order in which it got them; `log` is the order of the log, and
    `types` the event types by id. `webhook` are the ids of the events that one webhook was called about, and
    `called` the calls of the webhooks that are moved and removed; `abandoned` are the paths of these, with
    the time of the answer: a call may come `grace_s` later if it had begun. `counted` is what statistics say.
    """

    sends: list[Send] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    taken: Sequence[str] = ()
    flagged: frozenset[str] = frozenset()
    readings: dict[str, Sequence[str]] = field(default_factory=dict)
    log: Sequence[str] = ()
    types: dict[str, str] = field(default_factory=dict)
    webhook: Sequence[str] = ()
    called: Sequence[Called] = ()
    abandoned: dict[str, float] = field(default_factory=dict)
    grace_s: float = 1.0
    limit: int = 0
    limited: list[Send] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

"""Rules of sends to lists, as pure functions (contract row Z-55)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from server.faults import Fault

SendStatus: TypeAlias = Literal["sending", "waiting", "completed", "canceled", "failed"]
# The longest pause before the next try, in milliseconds: accounts recover and limits are raised at any time.
LATER_MS = 600_000


class Member(NamedTuple):
    """A member of a list."""

    id: str
    email: str
    first_name: str
    last_name: str
    unsubscribed: bool


class Refused(NamedTuple):
    """A fault of one email or of the whole send: its reason and its text."""

    reason: str
    message: str


@dataclass(slots=True)
class Step:
    """The changes that some members make to a send: counts are added, and `due_at` is None at the end."""

    cursor: str
    done: list[str]
    status: SendStatus = "sending"
    due_at: int | None = None
    accepted: int = 0
    unsubscribed: int = 0
    suppressed: int = 0
    failed: int = 0
    refused: Refused | None = None


def step_of(
    cursor: str, members: Sequence[tuple[Member, Fault | None]], now_ms: int, *, is_last: bool
) -> Step:
    """The step of members in the order of their ids, each with the fault of its email, None if it has none.

    Members that must wait keep the cursor before them; those behind that are decided about are listed. After
    the last members the send has ended, unless one waits. `cursor` is the one before the members.
    """
    step = Step(cursor, [], "completed" if is_last else "sending", None if is_last else now_ms)
    waits: Fault | None = None
    for member, fault in members:
        if fault is not None and _ends(fault):
            return _ended(step, fault)
        if fault is not None and _waits(fault):
            waits = waits or fault
            continue
        if waits is None:
            step.cursor = member.id
        else:
            step.done.append(member.id)
        _count(step, member, fault)
    if waits is not None:
        step.status = "waiting"
        step.due_at = now_ms + _pause_ms(waits)
        step.refused = Refused(waits.reason, waits.message)
    return step


def _count(step: Step, member: Member, fault: Fault | None) -> None:
    if member.unsubscribed:
        step.unsubscribed += 1
    elif fault is None:
        step.accepted += 1
    elif fault.reason == "ALL_RECIPIENTS_SUPPRESSED":
        step.suppressed += 1
    else:
        step.failed += 1
        step.refused = Refused(fault.reason, fault.message)


def _ended(step: Step, fault: Fault) -> Step:
    step.status, step.due_at = "failed", None
    step.refused = Refused(fault.reason, fault.message)
    return step


def _ends(fault: Fault) -> bool:
    """True for a fault that every further email would have."""
    return fault.metadata.get("state") == "banned" or fault.reason == "DOMAIN_NOT_VERIFIED"


def _waits(fault: Fault) -> bool:
    """True for a fault that passes: a limit, or a paused account."""
    return fault.code == "RESOURCE_EXHAUSTED" or fault.reason == "ACCOUNT_PAUSED"


def _pause_ms(fault: Fault) -> int:
    if fault.retry_after_s is None:
        return LATER_MS
    return min(max(1, round(fault.retry_after_s * 1000)), LATER_MS)

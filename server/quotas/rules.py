"""Limits and their usage, as pure functions (contract rows Z-43..Z-46, C-2, C-13, C-15, C-47)."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from server.faults import Fault
from server.quotas.faults import (
    AccountPaused,
    BurstLimitExceeded,
    DailyQuotaExceeded,
    MonthlyQuotaExceeded,
    RecipientCapExceeded,
    SandboxRecipient,
    WarmUpLimitExceeded,
)

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The daily limits of the profile `level` before and after a domain is verified (S-17).
LEVEL_NEW, LEVEL_VERIFIED = 100, 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an organisation, None for no limit: in recipients, `burst` in emails per second."""

    plan: str
    daily: int | None
    monthly: int | None
    # True if mail beyond `monthly` is accepted and counted as overage (C-15).
    overage: bool
    unique: int | None
    burst: int | None
    attachment_bytes: int
    # The daily cap of a new account; None when it is old enough or slow start is off (C-47).
    warm_up: int | None = None


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods that a moment belongs to, and when each ends (milliseconds since 1970 UTC)."""

    day: int
    day_ends_ms: int
    month: int
    month_ends_ms: int
    second: int
    second_ends_ms: int

    @classmethod
    def of(cls, now_ms: int) -> "Periods":
        """The periods of a moment."""
        day, second = now_ms // _DAY_MS, now_ms // 1000
        # Not `fromtimestamp`, which refuses what some platforms' C libraries do.
        today = _EPOCH + timedelta(days=day)
        next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return cls(
            day=day,
            day_ends_ms=(day + 1) * _DAY_MS,
            month=today.year * 12 + today.month - 1,
            month_ends_ms=(next_month - _EPOCH).days * _DAY_MS,
            second=second,
            second_ends_ms=(second + 1) * 1000,
        )


@dataclass(slots=True)
class Used:
    """The usage of the present periods."""

    day: int = 0
    month: int = 0
    unique: int = 0
    second: int = 0
    # The addresses among those of this transaction that count as seen this month.
    seen: set[str] = field(default_factory=set)
    # Those of them that were not seen before.
    fresh: list[str] = field(default_factory=list)

    def copy(self) -> "Used":
        """Another one, to be charged on trial."""
        return replace(self, seen=set(self.seen), fresh=list(self.fresh))


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """The state of an organisation before a transaction, and its limits."""

    state: str
    sandbox: bool
    owner_email: str
    limits: Limits

    def may_send(self) -> Fault | None:
        """Why the organisation may not send at all, if so (S-19, C-42)."""
        return AccountPaused(self.state) if self.state in {"paused", "banned"} else None

    def may_write_to(self, addresses: Set[str]) -> Fault | None:
        """Why the organisation may not write to all of these addresses, if so (Z-25)."""
        if self.sandbox and addresses != {self.owner_email.lower()}:
            return SandboxRecipient(self.owner_email)
        return None


def charge(
    used: Used, limits: Limits, addresses: Set[str], periods: Periods, now_ms: int, *, begun: bool = False
) -> Fault | None:
    """Charges one email to these addresses, or returns the fault of the limit it exceeds and charges nothing.

    Each address counts once (Z-44, C-39); an address seen this month is no new one. The order is C-41's.
    An email of a batch that has `begun` counts for the burst limit without being held up by it.
    """
    count = len(addresses)
    if limits.burst is not None and not begun and used.second + 1 > limits.burst:
        return BurstLimitExceeded(used.second, limits.burst, 1, periods.second_ends_ms, now_ms)
    if limits.warm_up is not None and used.day + count > limits.warm_up:
        return WarmUpLimitExceeded(used.day, limits.warm_up, count, periods.day_ends_ms, now_ms)
    if limits.daily is not None and used.day + count > limits.daily:
        return DailyQuotaExceeded(used.day, limits.daily, count, periods.day_ends_ms, now_ms)
    if limits.monthly is not None and not limits.overage and used.month + count > limits.monthly:
        return MonthlyQuotaExceeded(used.month, limits.monthly, count, periods.month_ends_ms, now_ms)
    if limits.unique is not None:
        fresh = sorted(addresses - used.seen)
        if fresh and used.unique + len(fresh) > limits.unique:
            return RecipientCapExceeded(used.unique, limits.unique, len(fresh), periods.month_ends_ms, now_ms)
        used.unique += len(fresh)
        used.seen.update(fresh)
        used.fresh += fresh
    used.day += count
    used.month += count
    used.second += 1
    return None


def overage(used: Used, limits: Limits) -> int:
    """The recipients beyond the month's number, where mail goes on beyond it (C-15)."""
    return max(0, used.month - limits.monthly) if limits.overage and limits.monthly is not None else 0


def warm_up_cap(caps: Sequence[int], created_at_ms: int, now_ms: int) -> int | None:
    """The daily cap of an account of this age, by its age in days; None beyond the table (C-47)."""
    age = max(0, (now_ms - created_at_ms) // _DAY_MS)
    return caps[age] if age < len(caps) else None


def nearest_limit(used: Used, limits: Limits, periods: Periods) -> tuple[int, int, int] | None:
    """The quota with the least left: its size, its rest, and the time at which it is full again (F-9).

    Of two with the same rest, it is the one that is full again later; None if nothing is limited.
    """
    quotas = [
        (limit, max(0, limit - count), ends_ms)
        for limit, count, ends_ms in (
            (limits.warm_up, used.day, periods.day_ends_ms),
            (limits.daily, used.day, periods.day_ends_ms),
            (None if limits.overage else limits.monthly, used.month, periods.month_ends_ms),
        )
        if limit is not None
    ]
    return min(quotas, key=lambda quota: (quota[1], -quota[2]), default=None)

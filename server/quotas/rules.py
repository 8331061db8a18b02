"""Limits and their usage, as pure functions (contract rows Z-43..Z-46, C-2, C-13, C-15, C-47)."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from server.account_health.rules import Standing

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The daily limits of the profile `level` before and after a domain is verified (S-17).
LEVEL_NEW, LEVEL_VERIFIED = 100, 1_000
# The bytes of attachments that every organisation of that profile may send with an email (S-4).
LEVEL_ATTACHMENTS = 10 << 20


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
    # The scheduled emails that may wait at one time, their bytes, and the test emails a day (C-88).
    scheduled: int | None = None
    scheduled_bytes: int | None = None
    test_emails: int | None = None


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
    test: int = 0
    # The scheduled emails that wait now, and their bytes.
    waiting: int = 0
    waiting_bytes: int = 0
    # The part of both that this transaction has added: the stored numbers may change meanwhile.
    new_waiting: int = 0
    new_waiting_bytes: int = 0
    # The addresses among those of this transaction that count as seen this month.
    seen: set[str] = field(default_factory=set)
    # The addresses of `seen` that were not seen before.
    fresh: list[str] = field(default_factory=list)
    # The number of charges of this transaction: without any nothing is to be stored.
    emails: int = 0

    def copy(self) -> "Used":
        """Another one, to come back to."""
        return replace(self, seen=set(self.seen), fresh=list(self.fresh))


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """The standing of an organisation before a transaction, and its limits."""

    standing: Standing
    sandbox: bool
    owner_email: str
    limits: Limits
    # The key of the addresses that stand in place of erased ones; None before the first erasure.
    erasure_key: bytes | None = field(default=None, repr=False)


def charge(used: Used, limits: Limits, addresses: Set[str]) -> None:
    """Counts one email to these addresses on the day on which it leaves (C-25).

    Each address counts once (Z-44, C-39); different recipients count only where they are limited (C-2).
    """
    if limits.unique is not None:
        fresh = sorted(addresses - used.seen)
        used.unique += len(fresh)
        used.seen.update(fresh)
        used.fresh += fresh
    used.day += len(addresses)
    used.month += len(addresses)
    used.emails += 1


def charge_burst(used: Used) -> None:
    """Counts one email of the second in which it is accepted (Z-43)."""
    used.second += 1
    used.emails += 1


def charge_test(used: Used) -> None:
    """Counts one test email of the day (C-88)."""
    used.test += 1
    used.emails += 1


def charge_waiting(used: Used, size: int) -> None:
    """Counts one scheduled email of `size` bytes, which waits from now on (C-88)."""
    used.waiting += 1
    used.waiting_bytes += size
    used.new_waiting += 1
    used.new_waiting_bytes += size
    used.emails += 1


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
    nearest: tuple[int, int, int] | None = None
    for limit, count, ends_ms in (
        (limits.warm_up, used.day, periods.day_ends_ms),
        (limits.daily, used.day, periods.day_ends_ms),
        (None if limits.overage else limits.monthly, used.month, periods.month_ends_ms),
    ):
        if limit is None:
            continue
        left = max(0, limit - count)
        if nearest is None or left < nearest[1] or (left == nearest[1] and ends_ms > nearest[2]):
            nearest = (limit, left, ends_ms)
    return nearest

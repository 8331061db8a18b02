"""Limits that refuse a send."""

from datetime import UTC, datetime
from typing import ClassVar

from server.faults import Fault


class SandboxRecipient(Fault):
    """The organisation is in the sandbox and may only send to its owner (contract row Z-25)."""

    reason, code = "SANDBOX_RECIPIENT", "PERMISSION_DENIED"

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"This organisation is in the sandbox and may only send to {owner}. Ask the operator for more.",
            owner=owner,
        )


class LimitExceeded(Fault):
    """A limit of the organisation is reached; there is more at `resets_at_ms` (contract rows Z-43..Z-46)."""

    code = "RESOURCE_EXHAUSTED"
    what: ClassVar[str]

    def __init__(self, used: int, limit: int, requested: int, resets_at_ms: int, now_ms: int) -> None:
        resets_at = datetime.fromtimestamp(resets_at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        resets_at = resets_at.replace("+00:00", "Z")
        super().__init__(
            f"{self.what}: {used} of {limit} are used and {requested} more were asked for. "
            f"There is room again at {resets_at}.",
            used=str(used),
            limit=str(limit),
            requested=str(requested),
            resets_at=resets_at,
        )
        self.retry_after_s = max(0.0, (resets_at_ms - now_ms) / 1000)


class BurstLimitExceeded(LimitExceeded):
    """More emails a second than the plan allows."""

    reason, what = "BURST_LIMIT_EXCEEDED", "The limit of emails a second is reached"


class DailyQuotaExceeded(LimitExceeded):
    """The request does not fit into today's quota."""

    reason, what = "DAILY_QUOTA_EXCEEDED", "The daily quota is reached"


class MonthlyQuotaExceeded(LimitExceeded):
    """The request does not fit into this month's quota."""

    reason, what = "MONTHLY_QUOTA_EXCEEDED", "The monthly quota is reached"


class RecipientCapExceeded(LimitExceeded):
    """More different recipients this month than the plan allows (contract row C-2)."""

    reason, what = "RECIPIENT_CAP_EXCEEDED", "The number of different recipients a month is reached"


class WarmUpLimitExceeded(LimitExceeded):
    """A new account may not send as much yet (contract rows Z-46, C-47)."""

    reason, what = "WARM_UP_LIMIT_EXCEEDED", "The daily limit of a new account is reached"

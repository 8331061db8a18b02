"""Refusals that follow from the state of an account; each says why, and where to appeal (C-69)."""

from server.account_health.rules import Standing
from server.faults import Fault


class AccountPaused(Fault):
    """The organisation may not send now, but still read (contract rows S-19, C-42)."""

    reason, code = "ACCOUNT_PAUSED", "PERMISSION_DENIED"

    def __init__(self, standing: Standing, support_url: str) -> None:
        where = appeal(support_url)
        super().__init__(
            f"Sending is paused for this organisation. {standing.why} {where}",
            state=standing.state,
            reasons=",".join(standing.reasons),
            why=standing.why,
            appeal=where,
        )


class AccountBanned(Fault):
    """All calls of the organisation are refused (contract row S-19)."""

    reason, code = "ACCOUNT_BANNED", "UNAUTHENTICATED"

    def __init__(self, standing: Standing, support_url: str) -> None:
        where = appeal(support_url)
        super().__init__(
            f"This organisation is banned. {standing.why} {where}", why=standing.why, appeal=where
        )


def appeal(support_url: str) -> str:
    """The way to appeal, as a sentence; `support_url` is empty if the operator has set none."""
    return f"Appeal here: {support_url}" if support_url else "Ask the operator to appeal."

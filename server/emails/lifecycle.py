"""The states of recipients and emails: pure decisions.

    scheduled -> canceled
    scheduled -> queued -> delivered | bounced | failed | suppressed
                 queued -> delivery_delayed -> the same

What was delivered may still turn out to have bounced, and its recipient may complain.
"""

from collections.abc import Collection

OPEN = ("scheduled", "queued", "delivery_delayed")
# From what is the most pressing to know to the least.
_ORDER = (
    *("delivery_delayed", "queued", "scheduled"),
    *("complained", "bounced", "failed", "delivered", "canceled", "suppressed"),
)


def email_status(recipients: Collection[str]) -> str:
    """The status of an email whose recipients have these: while one is open, else the worst of them.

    One recipient that was skipped does not make a delivered email a suppressed one.
    """
    return min(recipients, key=_ORDER.index)

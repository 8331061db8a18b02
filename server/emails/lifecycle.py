"""The states of recipients and emails: pure decisions.

    scheduled -> canceled
    scheduled -> queued -> delivered | bounced | failed | suppressed
                 queued -> delivery_delayed -> the same

A delivered email may bounce later, and its recipient may complain.
"""

from collections.abc import Collection

OPEN = ("scheduled", "queued", "delivery_delayed")
# The first of these that any recipient has is the status of the email.
_ORDER = (
    *("delivery_delayed", "queued", "scheduled"),
    *("complained", "bounced", "failed", "delivered", "canceled", "suppressed"),
)


def email_status(recipients: Collection[str]) -> str:
    """The status of an email, from those of its recipients: an open one while there is any, else the worst.

    One suppressed recipient does not make a delivered email a suppressed one.
    """
    return min(recipients, key=_ORDER.index)

"""The statuses of recipients and emails that events lead to: pure decisions."""

from collections.abc import Collection

# Statuses in which the message is still to be handed over.
OPEN = ("scheduled", "queued", "delivery_delayed")
# The first of these that any recipient has is the status of the email.
_ORDER = (
    *("delivery_delayed", "queued", "scheduled", "sent"),
    *("complained", "bounced", "failed", "delivered", "canceled", "suppressed"),
)


def email_status(recipients: Collection[str]) -> str:
    """The status of an email, from those of its recipients: an open one while there is any, else the worst.

    One suppressed recipient does not make a delivered email a suppressed one.
    """
    return min(recipients, key=_ORDER.index)

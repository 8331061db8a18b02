"""The states of a recipient and every transition between them: pure decisions.

The status of an email follows from those of its recipients (`server.events.statuses.email_status`). To be
opened or followed by a click is an event of a recipient and no state.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Literal, TypeAlias

Status: TypeAlias = Literal[
    "scheduled",
    "queued",
    "delivery_delayed",
    "sent",
    "delivered",
    "bounced",
    "failed",
    "suppressed",
    "complained",
    "canceled",
]


class Effect(Enum):
    """The effect of a transition that was asked for."""

    # The recipient has the new status, and the event is in the log.
    APPLIED = auto()
    # A report that came before; it changes nothing and is no event.
    REPEATED = auto()
    # There is no such transition, or no such recipient; nothing was changed.
    ILLEGAL = auto()


# The states in which a recipient is stored when its email is accepted.
BEGINNINGS: Mapping[Status, str] = {
    "queued": "Delivery begins at once.",
    "scheduled": "Delivery begins at the time that the caller asked for.",
    "suppressed": "The address is suppressed: the recipient is listed, and nothing is sent to it.",
}

TRANSITIONS: Mapping[tuple[Status, Status], str] = {
    # Before delivery.
    ("scheduled", "queued"): "The time of the email has come: delivery begins.",
    ("scheduled", "canceled"): "The caller canceled the email before its time.",
    ("scheduled", "suppressed"): "The address was suppressed before the time of the email.",
    ("scheduled", "failed"): "At the time of the email its organisation may no longer send it.",
    # The first attempt.
    ("queued", "delivery_delayed"): "The attempt was refused for now or reached no server; another follows.",
    ("queued", "sent"): "A provider took the message and will report the outcome.",
    ("queued", "delivered"): "The receiving system took the message.",
    ("queued", "bounced"): "The receiving system refused the recipient for good.",
    ("queued", "failed"): "The message cannot be built, its organisation may no longer send it, or it was "
    "given up: each attempt ended its process.",
    ("queued", "suppressed"): "The address was suppressed after the email was accepted.",
    ("queued", "complained"): "A complaint arrived before the record of the delivery that it is about.",
    # Later attempts.
    ("delivery_delayed", "delivery_delayed"): "Another attempt was refused for now: an event for each.",
    ("delivery_delayed", "sent"): "A provider took the message after an attempt that was refused for now.",
    ("delivery_delayed", "delivered"): "A later attempt was taken by the receiving system.",
    ("delivery_delayed", "bounced"): "A later attempt was refused for good.",
    ("delivery_delayed", "failed"): "The lifetime of the message ended before an attempt was taken, or its "
    "organisation may no longer send it.",
    ("delivery_delayed", "suppressed"): "The address was suppressed between two attempts.",
    ("delivery_delayed", "complained"): "A complaint arrived about an attempt whose reply was lost.",
    # Reports of a provider.
    ("sent", "delivery_delayed"): "The provider reports that it tries again.",
    ("sent", "delivered"): "The provider reports that the receiving system took the message.",
    ("sent", "bounced"): "The provider reports that the receiving system refused the recipient for good.",
    ("sent", "failed"): "The provider reports that it gave the recipient up, or rejected the message.",
    ("sent", "complained"): "The recipient's complaint arrived before the report of the delivery.",
    # Reports about mail that was delivered or given up.
    ("delivered", "bounced"): "A system behind the one that took the message returned it.",
    ("delivered", "complained"): "The recipient reported the message as unwanted.",
    ("failed", "bounced"): "An attempt whose reply was lost had been taken, and the message was returned.",
    ("failed", "complained"): "An attempt whose reply was lost had been taken, and the recipient complained.",
    ("bounced", "complained"): "A recipient whose system also returned the message complained.",
    ("complained", "bounced"): "A system returned the message after its recipient had complained.",
}

# Events that come twice, since those who report them repeat what was not acknowledged.
REPEATED: Mapping[tuple[Status, Status], str] = {
    ("sent", "sent"): "A provider reports again that it took the message.",
    ("delivered", "delivered"): "A provider reports the same delivery again.",
    ("bounced", "bounced"): "The same bounce is reported again, or by the receiver as well as by a provider.",
    ("complained", "complained"): "The same complaint is reported again.",
}

# Events of the email as a whole: one, however many of its recipients make the transition.
EMAIL_EVENTS: Mapping[Status, str] = {
    "scheduled": "email.scheduled",
    "queued": "email.sent",
    "canceled": "email.canceled",
}
# Events of one recipient. `sent` has none: the log has `email.sent` since delivery began.
RECIPIENT_EVENTS: Mapping[Status, str] = {
    "delivery_delayed": "email.delivery_delayed",
    "delivered": "email.delivered",
    "bounced": "email.bounced",
    "failed": "email.failed",
    "suppressed": "email.suppressed",
    "complained": "email.complained",
}


def effect_of(present: Status, new: Status) -> Effect:
    """The effect of a transition from the recipient's present status to a new one."""
    if (present, new) in TRANSITIONS:
        return Effect.APPLIED
    return Effect.REPEATED if (present, new) in REPEATED else Effect.ILLEGAL

"""Faults about webhooks."""

from server.faults import Fault, NotFound


class EventNotFound(NotFound):
    """No such event of the webhook."""

    reason, noun = "EVENT_NOT_FOUND", "event"


class WebhookNotFound(NotFound):
    """No such webhook in the caller's organisation."""

    reason, noun = "WEBHOOK_NOT_FOUND", "webhook"


class WebhookAlreadyExists(Fault):
    """The organisation has a webhook with this URL and these events (contract row C-88)."""

    reason, code = "WEBHOOK_ALREADY_EXISTS", "ALREADY_EXISTS"

    def __init__(self, id: str) -> None:
        super().__init__(
            f"The webhook {id} has the same URL and the same events. Change that one, or choose others.",
            id=id,
        )

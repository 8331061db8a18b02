"""Faults about webhooks."""

from server.faults import NotFound


class EventNotFound(NotFound):
    """No such event of the webhook."""

    reason, noun = "EVENT_NOT_FOUND", "event"


class WebhookNotFound(NotFound):
    """No such webhook in the caller's organisation."""

    reason, noun = "WEBHOOK_NOT_FOUND", "webhook"

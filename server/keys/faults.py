"""Faults about API keys."""

from server.faults import NotFound


class ApiKeyNotFound(NotFound):
    """No such API key in the caller's organisation."""

    reason, noun = "API_KEY_NOT_FOUND", "API key"

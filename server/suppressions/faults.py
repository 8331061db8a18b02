"""Faults about suppressions."""

from server.faults import NotFound


class SuppressionNotFound(NotFound):
    """No such suppression in the caller's organisation."""

    reason, noun = "SUPPRESSION_NOT_FOUND", "suppression"

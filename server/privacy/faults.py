"""Faults of erasures."""

from server.faults import Fault, NotFound
from server.privacy.rules import MAX_RUNNING


class ErasureNotFound(NotFound):
    """No such erasure in the caller's organisation."""

    reason, noun = "ERASURE_NOT_FOUND", "erasure"


class TooManyErasures(Fault):
    """The organisation has as many erasures in progress as it may have."""

    reason, code = "TOO_MANY_ERASURES", "RESOURCE_EXHAUSTED"

    def __init__(self) -> None:
        super().__init__(
            f"Your organisation has {MAX_RUNNING} erasures in progress. Try again when one is completed.",
            limit=str(MAX_RUNNING),
        )


class ErasureMoved(Exception):
    """Another process has gone on with an erasure since it was read; nothing was changed."""

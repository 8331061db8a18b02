"""Faults of erasures and exports."""

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


class ExportNotFound(NotFound):
    """No such export of the caller's organisation, or it has expired."""

    reason, noun = "EXPORT_NOT_FOUND", "export"


class ExportNotReady(Fault):
    """The export is still being made."""

    reason, code = "EXPORT_NOT_READY", "FAILED_PRECONDITION"

    def __init__(self, id: str) -> None:
        super().__init__(f"The export {id} is still being made. Read it when it is completed.", id=id)
